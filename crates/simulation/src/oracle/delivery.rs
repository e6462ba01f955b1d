//! Deliveries of one message: none after its delete, no two at a time.

use super::{Rule, Rules, Violation, earliest_end_ms};
use crate::history::{Message, QueueNumber, Tag};

pub(super) fn check(
    (queue, Tag(tag)): (QueueNumber, Tag),
    message: &Message<'_>,
    rules: &Rules,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (position, later) in message.receives.iter().enumerate() {
        let later_ms = later.during.ended_ms;
        if let Some(deleted_ms) = message.deleted_ms(rules.clock_skew_ms)
            && deleted_ms < later.during.began_ms
        {
            let text = format!(
                "message {tag} of queue {queue} came at {later_ms} ms, deleted at {deleted_ms} ms"
            );
            violations.push(Violation {
                rule: Rule::Returned,
                text,
            });
        }
        for earlier in &message.receives[..position] {
            if earlier.handle == later.handle {
                // A repeated call may answer the same delivery; two calls may not share one.
                if earlier.call != later.call {
                    let text = format!(
                        "one delivery of message {tag} of queue {queue} went to two consumers, the \
                         second at {later_ms} ms"
                    );
                    violations.push(Violation {
                        rule: Rule::Early,
                        text,
                    });
                }
                continue;
            }
            // Calls that overlap may have been answered in either order.
            let earlier_ms = earlier.during.ended_ms;
            let end_ms = earliest_end_ms(earlier, message, later_ms);
            let other_end_ms = earliest_end_ms(later, message, earlier_ms);
            let is_early = later_ms + rules.clock_skew_ms < end_ms;
            if is_early && earlier_ms + rules.clock_skew_ms < other_end_ms {
                let text = format!(
                    "message {tag} of queue {queue} came at {} ms and again at {later_ms} ms, before \
                     {end_ms} ms",
                    earlier_ms
                );
                violations.push(Violation {
                    rule: Rule::Early,
                    text,
                });
            }
        }
    }
    violations
}
