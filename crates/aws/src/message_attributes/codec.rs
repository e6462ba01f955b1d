//! The form in which message attributes lie in the log and the state. Nobody else knows it.
//!
//! ```text
//! version 1    u8
//! digest       16 bytes, MD5 over all attributes: what a receive that asks for all answers
//! count        u8
//! count times, sorted by name:
//!   kind       u8, 1 text, 2 binary
//!   name       u16 length, bytes
//!   data type  u16 length, bytes
//!   value      u32 length, bytes
//! ```
//! Lengths are big-endian. No attributes are no bytes at all.

use bytes::Bytes;

use super::{Attribute, Value};

const VERSION: u8 = 1;
const KIND_TEXT: u8 = 1;
const KIND_BINARY: u8 = 2;
const HEAD_BYTES: usize = 1 + 16 + 1;
const ATTRIBUTE_HEAD_BYTES: usize = 1 + 2 + 2 + 4;

/// Stored attributes that this version cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("stored message attributes have unknown version {0}")]
    Version(u8),
    #[error("stored message attributes are damaged")]
    Damaged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoded<'a> {
    pub(crate) digest: [u8; 16],
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// `attributes` are checked, sorted by name, and not empty.
pub(crate) fn encode(attributes: &[Attribute<'_>], digest: [u8; 16]) -> Bytes {
    let fields = |a: &Attribute<'_>| a.name.len() + a.data_type.len() + a.value.bytes().len();
    let length: usize = attributes
        .iter()
        .map(|attribute| ATTRIBUTE_HEAD_BYTES + fields(attribute))
        .sum();
    let mut out = Vec::with_capacity(HEAD_BYTES + length);
    out.push(VERSION);
    out.extend_from_slice(&digest);
    out.push(u8::try_from(attributes.len()).expect("checked: at most 10 attributes"));
    for attribute in attributes {
        out.push(match attribute.value {
            Value::Text(_) => KIND_TEXT,
            Value::Binary(_) => KIND_BINARY,
        });
        for field in [attribute.name, attribute.data_type] {
            let length = u16::try_from(field.len()).expect("checked: at most 256 bytes");
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(field.as_bytes());
        }
        let value = attribute.value.bytes();
        let length = u32::try_from(value.len()).expect("checked: at most 1 MiB");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    }
    Bytes::from(out)
}

/// `None` if there are no attributes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Decoded<'_>>, CodecError> {
    let mut rest = Reader(bytes);
    match bytes.first() {
        None => return Ok(None),
        Some(&VERSION) => rest.take(1)?,
        Some(&version) => return Err(CodecError::Version(version)),
    };
    let digest = rest.take(16)?.try_into().map_err(|_| CodecError::Damaged)?;
    let count = rest.byte()?;
    let attributes = (0..count)
        .map(|_| rest.attribute())
        .collect::<Result<_, _>>()?;
    if rest.0.is_empty() {
        Ok(Some(Decoded { digest, attributes }))
    } else {
        Err(CodecError::Damaged)
    }
}

/// The attributes of a stored message, sorted by name: for who shows messages outside of the protocol.
pub fn stored_attributes(bytes: &[u8]) -> Result<Vec<Attribute<'_>>, CodecError> {
    let decoded = decode(bytes)?;
    Ok(decoded.map_or_else(Vec::new, |decoded| decoded.attributes))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CodecError::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        Ok(self.take(1)?[0])
    }

    /// A length of `WIDTH` bytes and as many bytes as it says.
    fn field<const WIDTH: usize>(&mut self) -> Result<&'a [u8], CodecError> {
        let length = self.take(WIDTH)?;
        let length = length
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        self.take(length)
    }

    fn attribute(&mut self) -> Result<Attribute<'a>, CodecError> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| CodecError::Damaged);
        let kind = self.byte()?;
        let name = text(self.field::<2>()?)?;
        let data_type = text(self.field::<2>()?)?;
        let value = self.field::<4>()?;
        let value = match kind {
            KIND_TEXT => Value::Text(text(value)?),
            KIND_BINARY => Value::Binary(value),
            _ => return Err(CodecError::Damaged),
        };
        Ok(Attribute {
            name,
            data_type,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ATTRIBUTES: [Attribute<'static>; 2] = [
        Attribute {
            name: "a",
            data_type: "Binary",
            value: Value::Binary(&[0xff, 0]),
        },
        Attribute {
            name: "b",
            data_type: "Number.int",
            value: Value::Text("7"),
        },
    ];

    /// The bytes of version 1 never change: they lie on users' disks.
    #[test]
    fn golden() {
        let golden = b"\x01\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x02\
            \x02\x00\x01a\x00\x06Binary\x00\x00\x00\x02\xff\x00\
            \x01\x00\x01b\x00\x0aNumber.int\x00\x00\x00\x017";
        let digest = std::array::from_fn(|index| 0x10 + index as u8);
        assert_eq!(encode(&ATTRIBUTES, digest).as_ref(), golden);
        let decoded = decode(golden).unwrap().unwrap();
        assert_eq!(decoded.digest, digest);
        assert_eq!(decoded.attributes, ATTRIBUTES);
        assert_eq!(decode(b"").unwrap(), None);
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let whole = encode(&ATTRIBUTES, [0; 16]);
        for length in 1..whole.len() {
            assert_eq!(
                decode(&whole[..length]),
                Err(CodecError::Damaged),
                "{length}"
            );
        }
        let longer = [whole.as_ref(), b"x"].concat();
        assert_eq!(decode(&longer), Err(CodecError::Damaged));
        assert_eq!(decode(&[2]), Err(CodecError::Version(2)));
        for position in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.to_vec();
                flipped[position] ^= 1 << bit;
                let _ = decode(&flipped);
            }
        }
    }
}
