//! Writes an entry's bytes.
//!
//! The commands are encoded straight into the buffer that goes to the log, so that a body is
//! copied once on its way there.

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use squorum_consensus::EntryBuffer;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::{Command, Entry, SessionBatch};
use squorum_types::Timestamp;

use super::numbers::Acknowledgement;

/// Bytes of an entry's commands, about. A single larger command goes alone.
const ENTRY_BYTES_MAX: usize = 1024 * 1024;
const ENTRY_COMMANDS_MAX: usize = 1024;
/// Field numbers in `queue.proto`.
const ENTRY_BATCHES: u32 = 3;
const BATCH_COMMANDS: u32 = 4;
const COMMAND_NUMBER_BYTES_MAX: usize = 11;

/// Everything of an entry but its commands.
pub(crate) struct EntryBuilder {
    pub(crate) now: Timestamp,
    pub(crate) first_stamp: bool,
    pub(crate) batch: Batch,
}

pub(crate) struct Batch {
    pub(crate) session: u64,
    pub(crate) acknowledgement: Acknowledgement,
}

impl EntryBuilder {
    /// Bytes that a command takes, at most.
    pub(crate) fn command_bytes(operation: &Operation) -> usize {
        operation.encoded_len() + COMMAND_NUMBER_BYTES_MAX
    }

    /// Whether another command may join so many.
    pub(crate) fn has_room(commands: usize, bytes: usize) -> bool {
        commands < ENTRY_COMMANDS_MAX && bytes < ENTRY_BYTES_MAX
    }

    pub(crate) fn encode<'a>(
        self,
        commands: impl Iterator<Item = (u64, &'a Operation)> + Clone,
    ) -> EntryBuffer {
        let Batch {
            session,
            acknowledgement,
        } = self.batch;
        let head = Entry {
            now_ms: self.now.0,
            first_stamp: self.first_stamp,
            batches: Vec::new(),
        };
        let batch_head = SessionBatch {
            session,
            acknowledged_below: acknowledgement.below,
            acknowledged: acknowledgement.ranges,
            commands: Vec::new(),
        };
        let lengths = commands
            .clone()
            .map(|(number, operation)| command_len(number, operation));
        let commands_bytes: usize = lengths
            .map(|length| key_len(BATCH_COMMANDS) + encoded_len_varint(length as u64) + length)
            .sum();
        let batch_bytes = batch_head.encoded_len() + commands_bytes;
        let total = head.encoded_len() + key_len(ENTRY_BATCHES) + 10 + batch_bytes;

        let mut buffer = EntryBuffer::with_capacity(total);
        let room = "the buffer grows";
        head.encode(&mut *buffer).expect(room);
        encode_key(ENTRY_BATCHES, WireType::LengthDelimited, &mut *buffer);
        encode_varint(batch_bytes as u64, &mut *buffer);
        batch_head.encode(&mut *buffer).expect(room);
        for (number, operation) in commands {
            encode_key(BATCH_COMMANDS, WireType::LengthDelimited, &mut *buffer);
            encode_varint(command_len(number, operation) as u64, &mut *buffer);
            Command {
                number,
                operation: None,
            }
            .encode(&mut *buffer)
            .expect(room);
            operation.encode(&mut *buffer);
        }
        buffer
    }
}

fn command_len(number: u64, operation: &Operation) -> usize {
    Command {
        number,
        operation: None,
    }
    .encoded_len()
        + operation.encoded_len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use squorum_proto::queue::{NumberRange, Purge, Release};

    use super::*;

    #[test]
    fn writes_what_the_generated_code_reads() {
        let operations = [
            (
                5,
                Operation::Purge(Purge {
                    queue: 1,
                    purge_id: 2,
                }),
            ),
            (
                6,
                Operation::Release(Release {
                    receive_number: 300,
                }),
            ),
        ];
        let ranges = vec![NumberRange { first: 2, last: 3 }];
        let builder = EntryBuilder {
            now: Timestamp(77),
            first_stamp: true,
            batch: Batch {
                session: 9,
                acknowledgement: Acknowledgement {
                    below: 1,
                    ranges: ranges.clone(),
                },
            },
        };
        let commands = operations
            .iter()
            .map(|(number, operation)| (*number, operation));
        let buffer = builder.encode(commands);
        let expected = Entry {
            now_ms: 77,
            first_stamp: true,
            batches: vec![SessionBatch {
                session: 9,
                acknowledged_below: 1,
                acknowledged: ranges,
                commands: operations
                    .into_iter()
                    .map(|(number, operation)| Command {
                        number,
                        operation: Some(operation),
                    })
                    .collect(),
            }],
        };
        assert_eq!(Entry::decode(&buffer[..]).unwrap(), expected);
        assert_eq!(buffer.len(), expected.encoded_len());
    }
}
