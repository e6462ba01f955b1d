//! The protocol's rules on texts, ranges, ids, batches, queue attributes and messages, as functions
//! without effects.

mod batch;
mod message;
mod permission;
mod policy;
mod queue_attributes;
mod queue_url;
mod range;
mod redrive;
mod tags;
mod text;

pub(crate) use batch::{Batch, check_batch};
pub(crate) use message::{MessageDigests, OutgoingMessage};
pub(crate) use permission::{check_label, check_permission};
pub(crate) use queue_attributes::{changes_of_queue, create_queue};
pub(crate) use queue_url::QueueAddress;
pub(crate) use range::{
    check_delay_seconds, check_max_results, check_messages_max, check_moves_per_second,
    check_tasks_listed, check_visibility_timeout, check_wait_time,
};
pub(crate) use tags::{check_tag_keys, check_tags};
pub(crate) use text::{check_identifier, has_only_valid_characters};
