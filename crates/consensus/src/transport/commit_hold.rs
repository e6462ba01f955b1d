//! Leaves out requests that only tell of a commit, where a later request tells of it too.
//!
//! openraft tells a peer of every commit at once, by a request without entries unless there are new
//! ones. On a busy stream there soon will be: such a request waits a moment for them. Most are then
//! left out, and with them half of what a peer reads and answers.
//!
//! A request is left out only if a later one, which is sent, says all that it says.

use std::time::Duration;

use openraft::raft::AppendEntriesRequest;
use tokio::time::Instant;

use crate::raft_types::TypeConfig;

/// A stream is busy for so long after a request with entries.
const BUSY: Duration = Duration::from_millis(3);
/// How long a commit waits on a busy stream for a request that carries it.
const DELAY: Duration = Duration::from_millis(1);

type Request = AppendEntriesRequest<TypeConfig>;

#[derive(Default)]
pub(super) struct CommitHold {
    held: Option<(Request, Instant)>,
    busy_until: Option<Instant>,
}

impl CommitHold {
    /// The request, if it is to be sent now.
    pub(super) fn admit(&mut self, request: Request, now: Instant) -> Option<Request> {
        if !request.entries.is_empty() {
            // It carries the same commit or a later one.
            self.held = None;
            self.busy_until = Some(now + BUSY);
            return Some(request);
        }
        if self.busy_until.is_none_or(|until| until <= now) {
            return Some(request);
        }
        let held = self.held.take();
        let until = held.map_or(now + DELAY, |(_, until)| until);
        self.held = Some((request, until));
        None
    }

    /// Ends when the request that is held has waited long enough.
    pub(super) async fn waited(&self) {
        match &self.held {
            Some((_, until)) => tokio::time::sleep_until(*until).await,
            None => std::future::pending().await,
        }
    }

    /// The request that is held, to be sent now.
    pub(super) fn release(&mut self) -> Option<Request> {
        self.held.take().map(|(request, _)| request)
    }
}

#[cfg(test)]
mod tests {
    use openraft::Entry;
    use openraft::entry::RaftEntry;

    use super::*;
    use crate::raft_types::{RaftVote, log_id};

    fn request(commit: u64, entries: bool) -> Request {
        let entry = || Entry::new_blank(log_id(1, commit + 1));
        Request {
            vote: RaftVote::new(1, 1),
            prev_log_id: None,
            leader_commit: Some(log_id(1, commit)),
            entries: if entries { vec![entry()] } else { Vec::new() },
        }
    }

    fn commit(request: Option<Request>) -> Option<u64> {
        request?.leader_commit.map(|id| id.index)
    }

    #[test]
    fn a_commit_goes_at_once_unless_entries_went_just_now() {
        let (mut hold, now) = (CommitHold::default(), Instant::now());
        assert_eq!(commit(hold.admit(request(1, false), now)), Some(1));
        assert_eq!(commit(hold.admit(request(1, true), now)), Some(1));
        assert_eq!(commit(hold.admit(request(2, false), now)), None);
        assert_eq!(commit(hold.release()), Some(2));
        let later = now + BUSY;
        assert_eq!(commit(hold.admit(request(3, false), later)), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_commit_waits_as_long_as_the_first_would() {
        let (mut hold, began) = (CommitHold::default(), Instant::now());
        assert!(hold.admit(request(1, true), began).is_some());
        assert!(hold.admit(request(2, false), began).is_none());
        let later = began + DELAY / 2;
        assert!(hold.admit(request(3, false), later).is_none());
        hold.waited().await;
        assert_eq!(began.elapsed(), DELAY);
        assert_eq!(commit(hold.release()), Some(3));
        assert_eq!(commit(hold.release()), None);
    }

    #[test]
    fn entries_carry_what_waited() {
        let (mut hold, now) = (CommitHold::default(), Instant::now());
        assert!(hold.admit(request(1, true), now).is_some());
        assert!(hold.admit(request(2, false), now).is_none());
        assert_eq!(commit(hold.admit(request(2, true), now)), Some(2));
        assert_eq!(commit(hold.release()), None);
    }
}
