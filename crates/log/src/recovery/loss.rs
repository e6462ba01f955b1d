//! `Options::accept_loss`: what is left of a log that has lost synced data.

use super::find::Found;
use super::replay::Replay;
use crate::error::OpenError;
use crate::format::marker::Marker;
use crate::options::Options;

/// The longest intact history from the oldest readable segment on. Votes never go back: the marker's count.
pub(super) fn accept(
    found: &Found,
    marker: &Marker,
    options: &Options,
    error: &OpenError,
) -> Result<Replay, OpenError> {
    tracing::error!(%error, "going on with what is left of a log that has lost synced data");
    let mut replay = Replay::new(options);
    replay.has_loss = true;
    let mut segments = found.segments.iter();
    for segment in segments.by_ref() {
        if !replay.segments.is_empty() && !replay.continues(segment) {
            if replay.based {
                replay.lost.push(segment.header.number);
                break;
            }
            // Nothing could be read yet: the history begins later.
            set_aside(&mut replay);
        }
        replay.read(segment, None)?;
    }
    replay
        .lost
        .extend(segments.map(|segment| segment.header.number));
    replay.lost.extend(&found.headless);
    if !replay.based {
        set_aside(&mut replay);
    }
    replay.drop_uncovered();
    if replay.sequence < marker.sequence || !replay.based {
        for (group, vote) in &marker.votes {
            replay.groups.entry(*group).or_default().vote = Some(vote.clone());
        }
    }
    Ok(replay)
}

/// Keeps the segments read so far, of which nothing could be used, as lost ones.
fn set_aside(replay: &mut Replay) {
    let unreadable = replay.segments.drain(..);
    replay.lost.extend(unreadable.map(|segment| segment.number));
}
