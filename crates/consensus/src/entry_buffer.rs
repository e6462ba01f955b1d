use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::entry::NORMAL;
use crate::raft_types::Command;

/// A buffer to encode an entry into. It keeps room for this crate's tag in front, so that the
/// buffer handed to [`Group::propose`](crate::Group::propose) is the one that goes to the log, to
/// the followers and to `apply`, and nothing is copied.
///
/// Dereferences to the body alone, so it is written like any [`BytesMut`].
pub struct EntryBuffer {
    tag: BytesMut,
    body: BytesMut,
}

impl EntryBuffer {
    /// A buffer with room for a body of `body_bytes` before it has to grow.
    pub fn with_capacity(body_bytes: usize) -> EntryBuffer {
        let mut tag = BytesMut::with_capacity(1 + body_bytes);
        tag.put_u8(NORMAL);
        let body = tag.split_off(1);
        EntryBuffer { tag, body }
    }

    pub(crate) fn into_command(self) -> Command {
        let EntryBuffer { mut tag, body } = self;
        // Contiguous unless the body had to grow: then this is the one copy.
        tag.unsplit(body);
        Command(tag.freeze())
    }
}

impl Deref for EntryBuffer {
    type Target = BytesMut;

    fn deref(&self) -> &BytesMut {
        &self.body
    }
}

impl DerefMut for EntryBuffer {
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.body
    }
}

/// For a body that exists already. Copies it once.
impl From<Bytes> for EntryBuffer {
    fn from(body: Bytes) -> EntryBuffer {
        let mut buffer = EntryBuffer::with_capacity(body.len());
        buffer.extend_from_slice(&body);
        buffer
    }
}

impl fmt::Debug for EntryBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryBuffer")
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_is_not_copied() {
        let mut buffer = EntryBuffer::with_capacity(64);
        buffer.extend_from_slice(b"hello");
        let body_at = buffer.as_ptr();
        let command = buffer.into_command();
        assert_eq!(&command.0[..], b"\x01hello");
        assert_eq!(command.0[1..].as_ptr(), body_at);
        assert_eq!(
            EntryBuffer::from(Bytes::from_static(b"hello")).into_command(),
            command
        );
        assert_eq!(&EntryBuffer::with_capacity(0).into_command().0[..], b"\x01");
    }

    #[test]
    fn a_body_that_outgrows_its_room_is_kept_whole() {
        let mut buffer = EntryBuffer::with_capacity(1);
        buffer.extend_from_slice(&[7; 1000]);
        let command = buffer.into_command();
        assert_eq!(
            (command.0.len(), command.0[0], command.0[1000]),
            (1001, NORMAL, 7)
        );
    }
}
