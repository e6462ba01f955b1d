//! Writes an entry's bytes.
//!
//! The commands come encoded, each in a buffer of its own, from this node's gateway or from another
//! one, and are copied into the buffer that goes to the log.

use bytes::BufMut;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use squorum_consensus::EntryBuffer;
use squorum_proto::queue::{Entry, SessionBatch};
use squorum_types::Timestamp;

use super::batch::Batch;

/// Bytes of an entry's commands, about. A single larger batch goes alone.
pub(crate) const ENTRY_BYTES_MAX: usize = 1024 * 1024;
pub(crate) const ENTRY_COMMANDS_MAX: usize = 1024;
/// Field numbers in `queue.proto`.
const ENTRY_BATCHES: u32 = 3;
const BATCH_COMMANDS: u32 = 4;

/// Gathers batches and encodes them as one entry.
#[derive(Default)]
pub(crate) struct EntryBuilder {
    batches: Vec<Batch>,
    commands: usize,
    bytes: usize,
}

impl EntryBuilder {
    /// Whether another batch may join.
    pub(crate) fn has_room(&self) -> bool {
        self.commands < ENTRY_COMMANDS_MAX && self.bytes < ENTRY_BYTES_MAX
    }

    pub(crate) fn push(&mut self, batch: Batch) {
        self.commands += batch.commands.len();
        let bytes = batch.commands.iter().map(|command| command.len());
        self.bytes += bytes.sum::<usize>();
        self.batches.push(batch);
    }

    pub(crate) fn commands(&self) -> usize {
        self.commands
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn encode(self, now: Timestamp, first_stamp: bool) -> EntryBuffer {
        let entry_head = Entry {
            now_ms: now.0,
            first_stamp,
            batches: Vec::new(),
        };
        let heads = self.batches.iter().map(batch_head).collect::<Vec<_>>();
        let lengths = heads.iter().zip(&self.batches).map(|(head, batch)| {
            let commands = batch.commands.iter().map(|command| command.len());
            let commands = commands.map(|length| delimited_len(BATCH_COMMANDS, length));
            head.encoded_len() + commands.sum::<usize>()
        });
        let lengths = lengths.collect::<Vec<_>>();
        let batches = lengths.iter();
        let batches = batches.map(|length| delimited_len(ENTRY_BATCHES, *length));
        let total = entry_head.encoded_len() + batches.sum::<usize>();

        let mut buffer = EntryBuffer::with_capacity(total);
        let room = "the buffer grows";
        entry_head.encode(&mut *buffer).expect(room);
        for ((head, length), batch) in heads.iter().zip(lengths).zip(&self.batches) {
            encode_key(ENTRY_BATCHES, WireType::LengthDelimited, &mut *buffer);
            encode_varint(length as u64, &mut *buffer);
            head.encode(&mut *buffer).expect(room);
            for command in &batch.commands {
                encode_key(BATCH_COMMANDS, WireType::LengthDelimited, &mut *buffer);
                encode_varint(command.len() as u64, &mut *buffer);
                buffer.put_slice(command);
            }
        }
        buffer
    }
}

/// Everything of a batch but its commands.
fn batch_head(batch: &Batch) -> SessionBatch {
    SessionBatch {
        session: batch.session,
        acknowledged_below: batch.acknowledgement.below,
        acknowledged: batch.acknowledgement.ranges.clone(),
        commands: Vec::new(),
    }
}

/// Bytes of a field that holds `length` bytes.
fn delimited_len(field: u32, length: usize) -> usize {
    key_len(field) + encoded_len_varint(length as u64) + length
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use squorum_proto::queue::command::Operation;
    use squorum_proto::queue::{Command, NumberRange, Purge, Release};

    use super::*;
    use crate::shard::numbers::Acknowledgement;

    fn batch(session: u64, ranges: Vec<NumberRange>) -> SessionBatch {
        let purge = Operation::Purge(Purge {
            queue: 1,
            purge_id: 2,
        });
        let release = Operation::Release(Release {
            receive_number: 300,
        });
        let command = |number, operation| Command {
            number,
            operation: Some(operation),
        };
        SessionBatch {
            session,
            acknowledged_below: 1,
            acknowledged: ranges,
            commands: vec![command(5, purge), command(6, release)],
        }
    }

    #[test]
    fn writes_what_the_generated_code_reads() {
        let ranges = vec![NumberRange { first: 2, last: 3 }];
        let batches = vec![batch(9, ranges), batch(10, Vec::new())];
        let mut builder = EntryBuilder::default();
        for batch in &batches {
            builder.push(Batch {
                session: batch.session,
                acknowledgement: Acknowledgement {
                    below: batch.acknowledged_below,
                    ranges: batch.acknowledged.clone(),
                },
                commands: batch
                    .commands
                    .iter()
                    .map(|command| command.encode_to_vec().into())
                    .collect(),
                fresh_receives: Vec::new(),
            });
        }
        let buffer = builder.encode(Timestamp(77), true);
        let expected = Entry {
            now_ms: 77,
            first_stamp: true,
            batches,
        };
        assert_eq!(Entry::decode(&buffer[..]).unwrap(), expected);
        assert_eq!(buffer.len(), expected.encoded_len());
    }
}
