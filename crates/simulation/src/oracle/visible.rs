//! Answers about what there is: "nothing", and counters.

use std::collections::BTreeMap;

use super::{Rule, Rules, Violation};
use crate::history::{
    Counted, During, FoundNothing, History, Message, QueueNumber, SendOutcome, Tag,
};

/// How long a call whose client was told nothing may still be under way.
const UNDER_WAY_MS_MAX: u64 = 10_000;

type Messages<'a> = BTreeMap<(QueueNumber, Tag), Message<'a>>;

pub(super) fn check(history: &History, messages: &Messages<'_>, rules: &Rules) -> Vec<Violation> {
    let hidden = history
        .found_nothing
        .iter()
        .filter_map(|nothing| hidden(nothing, history, messages, rules));
    let miscounted = history
        .counts
        .iter()
        .filter_map(|counted| miscounted(counted, history, messages, rules));
    hidden.chain(miscounted).collect()
}

/// A message that nobody can have had by then, and that was there when the call was made (or, for a
/// call that waited, long enough before it ended).
fn hidden(
    nothing: &FoundNothing,
    history: &History,
    messages: &Messages<'_>,
    rules: &Rules,
) -> Option<Violation> {
    let During { began_ms, ended_ms } = nothing.during;
    let known_ms = began_ms.max(ended_ms.saturating_sub(rules.find_ms));
    // A receive of which nobody knows what it took may hold any message.
    let doubt_ms = rules.visibility_timeout_ms_max + rules.clock_skew_ms + UNDER_WAY_MS_MAX;
    let in_doubt = history.unknown_receives.iter().any(|unknown| {
        unknown.queue == nothing.queue
            && unknown.during.began_ms <= ended_ms
            && unknown.during.ended_ms + doubt_ms >= began_ms
    });
    if in_doubt {
        return None;
    }
    let of_queue = (nothing.queue, Tag(0))..(nothing.queue + 1, Tag(0));
    let (key, _) = messages.range(of_queue).find(|(_, message)| {
        let untouched = message
            .receives
            .iter()
            .all(|received| received.during.began_ms > ended_ms);
        let is_first = message.sends.iter().all(|sent| sent.group.is_none());
        untouched
            && is_first
            && message
                .acknowledged_ms()
                .is_some_and(|at_ms| at_ms < known_ms)
    })?;
    let text = format!(
        "queue {} said at {ended_ms} ms that it has nothing, message {} was there",
        nothing.queue, key.1.0
    );
    Some(Violation {
        rule: Rule::Hidden,
        text,
    })
}

fn miscounted(
    counted: &Counted,
    history: &History,
    messages: &Messages<'_>,
    rules: &Rules,
) -> Option<Violation> {
    let During { began_ms, ended_ms } = counted.during;
    let of_queue = (counted.queue, Tag(0))..(counted.queue + 1, Tag(0));
    // Receives of which nobody knows what they took may have made dead letters of any.
    let in_doubt = history
        .unknown_receives
        .iter()
        .any(|unknown| unknown.queue == counted.queue && unknown.during.began_ms <= ended_ms);
    let (mut least, mut most) = (0, 0);
    for (_, message) in messages.range(of_queue) {
        let existed = message.acknowledged_ms().is_some_and(|at| at < began_ms);
        let may_be_gone = message.may_be_deleted_ms().is_some_and(|at| at <= ended_ms);
        let may_exist = message
            .sends
            .iter()
            .any(|sent| sent.outcome != SendOutcome::Refused && sent.during.began_ms <= ended_ms);
        let is_gone = message
            .deleted_ms(rules.clock_skew_ms)
            .is_some_and(|at| at < began_ms);
        let mut received = message.receives.iter();
        let was_received = in_doubt || received.any(|r| r.during.began_ms <= ended_ms);
        let may_be_dead = message.is_mortal && was_received;
        least += u64::from(existed && !may_be_gone && !may_be_dead);
        most += u64::from(may_exist && !is_gone);
    }
    if (least..=most).contains(&counted.messages) {
        return None;
    }
    let text = format!(
        "queue {} counted {} messages at {ended_ms} ms, there were {least} to {most}",
        counted.queue, counted.messages
    );
    Some(Violation {
        rule: Rule::Miscounted,
        text,
    })
}
