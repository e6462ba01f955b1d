use squorum_types::{DeduplicationScope, QueueAttributes};

/// Beyond this, more partitions of a FIFO queue cost polls and gain nothing.
const FIFO_PARTITIONS_MAX: u16 = 8;

/// Into how many partitions a new queue is cut. A standard queue gets one per node, so that every
/// node has one that it may lead; at most one per shard, because two in one shard share its log.
/// A FIFO queue gets several only if deduplication looks at each message group alone.
pub fn partition_count(attributes: &QueueAttributes, shard_count: u16, node_count: u16) -> u16 {
    let wanted = match &attributes.fifo {
        None => node_count,
        Some(fifo) => match fifo.deduplication_scope {
            DeduplicationScope::Queue => 1,
            DeduplicationScope::MessageGroup => FIFO_PARTITIONS_MAX,
        },
    };
    wanted.min(shard_count).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifo_has_many_partitions_only_when_groups_stand_alone() {
        let standard = QueueAttributes::standard();
        assert_eq!(partition_count(&standard, 8, 1), 1);
        assert_eq!(partition_count(&standard, 8, 5), 5);
        assert_eq!(partition_count(&standard, 4, 5), 4);
        assert_eq!(partition_count(&standard, 4, 0), 1);
        let mut fifo = QueueAttributes::fifo();
        assert_eq!(partition_count(&fifo, 8, 5), 1);
        if let Some(fifo) = &mut fifo.fifo {
            fifo.deduplication_scope = DeduplicationScope::MessageGroup;
        }
        assert_eq!(partition_count(&fifo, 4, 1), 4);
        assert_eq!(partition_count(&fifo, 64, 1), 8);
    }
}
