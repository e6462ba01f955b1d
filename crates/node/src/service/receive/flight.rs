//! How many messages of a queue may be in flight, whatever its partitions are.
//!
//! A leader holds the limit for its partition exactly. A queue of several has one limit too: a gateway
//! adds up what its own boards say of all of them. They lag behind the leaders by as long as an entry
//! takes to be applied here, so what is received meanwhile, anywhere, may come on top.

use squorum_store::Store;
use squorum_types::service::{QueueInfo, ServiceError};

use super::Wanted;
use crate::node::Inner;
use crate::routing;

impl<S: Store> Inner<S> {
    /// The receive, of no more than may still go into flight. `None` if that is nothing, which a short
    /// poll of a standard queue hears as an error.
    pub(super) fn within_flight(
        &self,
        queue: &QueueInfo,
        wanted: &Wanted,
    ) -> Result<Option<Wanted>, ServiceError> {
        if queue.partition_count <= 1 {
            return Ok(Some(wanted.clone()));
        }
        let mut in_flight = 0;
        for partition in routing::partitions(queue) {
            let board = &self.shard_of(partition)?.board;
            in_flight += board.status(partition).in_flight;
        }
        let room = self.in_flight_max.saturating_sub(in_flight);
        match u32::try_from(room).unwrap_or(u32::MAX) {
            0 if wanted.short && !queue.attributes.is_fifo() => Err(ServiceError::OverLimit),
            0 => Ok(None),
            room => Ok(Some(Wanted {
                messages_max: wanted.messages_max.min(room),
                ..wanted.clone()
            })),
        }
    }
}
