use std::fmt;

use clap::ValueEnum;

/// A promise, by the name under which a report says that it was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Rule {
    /// What was acknowledged, or seen once, is there until somebody deletes it
    Lost,
    /// Nothing comes that was never sent, or whose send was refused
    Invented,
    /// One send, or all sends of one deduplication id, are one message
    Duplicated,
    /// What was deleted stays deleted
    Returned,
    /// A message is with one consumer until its visibility timeout is over
    Early,
    /// A FIFO group comes in the order of its sequence numbers, which is that of its sends
    Order,
    /// "There is nothing" is not said while there is something
    Hidden,
    /// Counters count what was acknowledged
    Miscounted,
    /// Clients get the answers that the interface has, and get them in time
    Client,
    /// A leader answers from its own state only what nobody has overtaken
    StaleLocalRead,
    /// A read that a quorum confirms has everything that was acknowledged before
    StaleQuorumRead,
    /// Replicas at the same position have the same rows
    Replicas,
    /// Once all is well again, everything is delivered and all replicas come level
    Liveness,
    /// A process starts on whatever the one before it left
    Start,
    /// A process ends only when it is made to
    Process,
    /// What the code asserts of itself holds
    Assertion,
}

/// The name, as `--expect` takes it.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}
