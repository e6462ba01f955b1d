//! The types that openraft is built from here.
//!
//! None of them is generic over a group's state: what a state machine answers is type-erased in
//! [`Reply`], so that openraft is compiled once, in this crate, and not again for every state.

use std::any::Any;
use std::fmt;

use bytes::Bytes;
use openraft::batch::Batch;
use openraft::impls::{BoxedErrorSource, InlineBatch};
use openraft::raft::responder::Responder;
use openraft::type_config::alias;
use openraft::vote::{RaftLeaderId, leader_id_std};
use openraft::{EmptyNode, Entry, EntryPayload, OptionalSend, RaftTypeConfig, Vote};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// openraft's knobs for this crate. A leader id is of the standard kind (one leader in a term), so
/// that a log id is (term, index). Nodes carry no address in the membership: addresses change, and
/// openraft refuses a membership that changes what it knows of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TypeConfig;

impl RaftTypeConfig for TypeConfig {
    type D = Command;
    type R = Reply;
    type NodeId = u64;
    type Node = EmptyNode;
    type Term = u64;
    type LeaderId = leader_id_std::LeaderId<u64, u64>;
    type Vote = Vote<Self::LeaderId>;
    type Payload = EntryPayload<Command, u64, EmptyNode>;
    type Entry = Entry<<Self::LeaderId as RaftLeaderId>::Committed, Self::Payload>;
    #[allow(
        deprecated,
        reason = "openraft re-exports its own runtime under a deprecated name"
    )]
    type AsyncRuntime = openraft::impls::TokioRuntime;
    type Responder<T>
        = ProposalResponder<T>
    where
        T: OptionalSend + 'static;
    type Batch<T>
        = InlineBatch<T>
    where
        T: OptionalSend + 'static,
        InlineBatch<T>: Batch<T>;
    type ErrorSource = BoxedErrorSource;
}

pub(crate) type LogId = alias::LogIdOf<TypeConfig>;
pub(crate) type RaftEntry = alias::EntryOf<TypeConfig>;
pub(crate) type RaftVote = alias::VoteOf<TypeConfig>;
pub(crate) type Membership = openraft::Membership<u64, EmptyNode>;
pub(crate) type StoredMembership = alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = alias::SnapshotMetaOf<TypeConfig>;

/// The term and index of a log id.
pub(crate) fn term_index(id: &LogId) -> (u64, u64) {
    (id.committed_leader_id().term, id.index())
}

pub(crate) fn log_id(term: u64, index: u64) -> LogId {
    LogId::new(leader_id_std::CommittedLeaderId::new(term), index)
}

/// What a client proposed: a whole encoded entry, tag included, as it goes to the log.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Command(pub(crate) Bytes);

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command of {} bytes", self.0.len())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What `apply` answers to the proposer; nothing for blank and membership entries. openraft wants
/// a reply to be `Sync`: the lock makes it so and is never contended.
pub(crate) struct Reply(Mutex<Option<Box<dyn Any + Send>>>);

impl Reply {
    pub(crate) fn none() -> Reply {
        Reply(Mutex::new(None))
    }

    pub(crate) fn of<O: Send + 'static>(outcome: O) -> Reply {
        Reply(Mutex::new(Some(Box::new(outcome))))
    }

    /// The outcome, if there is one of this type.
    pub(crate) fn take<O: 'static>(self) -> Option<O> {
        self.0.into_inner()?.downcast().ok().map(|outcome| *outcome)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

/// Takes the result of a write to its proposer. Holds the proposal's permit, so that the bound on
/// outstanding proposals counts what openraft holds, not what callers still wait for.
pub(crate) struct ProposalResponder<T> {
    pub(crate) sender: oneshot::Sender<T>,
    pub(crate) permit: OwnedSemaphorePermit,
}

impl<T: OptionalSend + 'static> Responder<TypeConfig, T> for ProposalResponder<T> {
    fn on_complete(self, result: T) {
        // First, so that whoever hears the result finds room for the next proposal.
        drop(self.permit);
        // A caller that no longer waits has dropped its end.
        let _ = self.sender.send(result);
    }
}
