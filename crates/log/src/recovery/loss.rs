//! `Options::accept_loss`: what is left of a log that has lost synced data.

use super::find::Found;
use super::replay::Replay;
use crate::error::OpenError;
use crate::format::marker::Marker;
use crate::options::Options;

/// The longest intact history from the oldest segment on. Votes never go back: the marker's count.
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
            replay.lost.push(segment.header.number);
            break;
        }
        replay.read(segment, None)?;
    }
    replay
        .lost
        .extend(segments.map(|segment| segment.header.number));
    replay.lost.extend(&found.headless);
    replay.drop_uncovered();
    if replay.sequence < marker.sequence {
        for (group, vote) in &marker.votes {
            replay.groups.entry(*group).or_default().vote = Some(vote.clone());
        }
    }
    Ok(replay)
}
