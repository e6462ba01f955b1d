//! Dead-letter queues: which queue a message goes to that was received too often, and which queues
//! may send theirs.

use std::fmt;

use crate::{AccountId, QueueName, Region};

/// A queue's Amazon resource name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueArn {
    pub region: Region,
    pub account: AccountId,
    pub name: QueueName,
}

impl QueueArn {
    /// `None` unless it is `arn:partition:sqs:region:account:name` with valid parts, the partition that
    /// of the region.
    pub fn parse(text: &str) -> Option<QueueArn> {
        let (partition, rest) = text.strip_prefix("arn:")?.split_once(":sqs:")?;
        let mut parts = rest.splitn(3, ':');
        let arn = QueueArn {
            region: Region::parse(parts.next()?)?,
            account: AccountId::parse(parts.next()?)?,
            name: QueueName::parse(parts.next()?).ok()?,
        };
        (arn.region.partition() == partition).then_some(arn)
    }
}

impl fmt::Display for QueueArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partition = self.region.partition();
        let (region, account, name) = (&self.region, &self.account, &self.name);
        write!(f, "arn:{partition}:sqs:{region}:{account}:{name}")
    }
}

/// Where messages of a queue go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedrivePolicy {
    /// As it was set: it is echoed so.
    pub text: String,
    pub target: QueueArn,
    /// A message is handed out so often before it is moved instead; at least 1.
    pub receives_max: u32,
}

/// Which queues may name a queue as their dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedriveAllowPolicy {
    /// As it was set: it is echoed so.
    pub text: String,
    pub permission: RedrivePermission,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedrivePermission {
    AllowAll,
    DenyAll,
    ByQueue(Vec<QueueArn>),
}

impl RedriveAllowPolicy {
    pub fn allows(&self, source: &QueueArn) -> bool {
        match &self.permission {
            RedrivePermission::AllowAll => true,
            RedrivePermission::DenyAll => false,
            RedrivePermission::ByQueue(sources) => sources.contains(source),
        }
    }
}

/// Why a queue cannot be another's dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedriveRefusal {
    #[error("dead-letter target is in another region")]
    OtherRegion,
    #[error("dead-letter target is another account's")]
    OtherAccount,
    #[error("dead-letter target does not exist")]
    TargetMissing,
    #[error("dead-letter target is another kind of queue")]
    OtherKind,
    #[error("dead-letter target does not allow it")]
    NotAllowed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_as_they_are_written() {
        for text in [
            "arn:aws:sqs:us-east-1:000000000000:orders.fifo",
            "arn:aws-cn:sqs:cn-north-1:000000000000:orders",
            "arn:aws-us-gov:sqs:us-gov-west-1:000000000000:orders",
        ] {
            let written = QueueArn::parse(text).map(|arn| arn.to_string());
            assert_eq!(written.as_deref(), Some(text));
        }
        for text in [
            "",
            "orders",
            "arn:aws:sns:us-east-1:000000000000:orders",
            "arn:aws-cn:sqs:us-east-1:000000000000:orders",
            "arn:aws:sqs:cn-north-1:000000000000:orders",
            "arn:aws:sqs:us-east-1:000000000000",
            "arn:aws:sqs:us-east-1:000000000000:",
            "arn:aws:sqs:us-east-1:000000000000:orders:more",
        ] {
            assert_eq!(QueueArn::parse(text), None, "{text}");
        }
    }
}
