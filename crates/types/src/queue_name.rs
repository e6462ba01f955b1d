//! Queue names.

use std::fmt;

use crate::limits::QUEUE_NAME_BYTES_MAX;

/// A valid queue name: 1 to 80 letters, digits, hyphens and underscores, with `.fifo` at the end
/// (and counted) for a FIFO queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can only include alphanumeric characters, hyphens, or underscores, 1 to 80 in length")]
pub struct QueueNameError;

impl QueueName {
    pub const FIFO_SUFFIX: &'static str = ".fifo";

    pub fn parse(text: &str) -> Result<QueueName, QueueNameError> {
        let stem = text.strip_suffix(Self::FIFO_SUFFIX).unwrap_or(text);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let valid =
            !stem.is_empty() && text.len() <= QUEUE_NAME_BYTES_MAX && stem.bytes().all(allowed);
        if valid {
            Ok(QueueName(text.to_owned()))
        } else {
            Err(QueueNameError)
        }
    }

    pub fn is_fifo(&self) -> bool {
        self.0.ends_with(Self::FIFO_SUFFIX)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_aws_takes() {
        for name in ["a", "A-b_9", "orders.fifo", &"x".repeat(80)] {
            assert!(QueueName::parse(name).is_ok(), "{name}");
        }
        for name in [
            "",
            ".fifo",
            "a.b",
            "a b",
            "ä",
            "orders.FIFO",
            &"x".repeat(81),
        ] {
            assert!(QueueName::parse(name).is_err(), "{name}");
        }
    }
}
