//! The words that every crate of Squorum shares: ids, time, limits, queue attributes, the message
//! envelope, receipt handles, and [`service::QueueService`], the border between the front end that
//! speaks AWS and the node that keeps queues.
//!
//! No IO here, no async runtime, no Raft. Clock and entropy are traits: two of the four seams
//! through which the system reaches the outside world.

mod attributes;
mod caller;
mod clock;
mod entropy;
mod group_membership;
mod id;
pub mod limits;
pub mod measure;
mod message;
mod permission;
mod queue_name;
mod queue_tags;
mod receipt_handle;
mod redrive;
pub mod service;

pub use attributes::{
    AttributeChanges, AttributeConflict, DeduplicationScope, FifoAttributes, FifoThroughputLimit,
    QueueAttributes,
};
pub use caller::{AccountId, Caller, Region};
pub use clock::{Clock, Timestamp};
pub use entropy::Entropy;
pub use group_membership::GroupMembership;
pub use id::{GroupId, MessageId, NodeId, PartitionId, QueueId, ShardId};
pub use message::{DeduplicationHash, MessageEnvelope, tenant_of};
pub use permission::{Permission, PermissionRefusal};
pub use queue_name::{QueueName, QueueNameError};
pub use queue_tags::QueueTags;
pub use receipt_handle::{ReceiptHandle, ReceiptHandleError, ReceiptHandleKey};
pub use redrive::{QueueArn, RedriveAllowPolicy, RedrivePermission, RedrivePolicy, RedriveRefusal};
