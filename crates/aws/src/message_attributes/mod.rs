//! Attributes that users give to messages: their rules, the digest over them, the form in which they
//! travel to the node and back, and the filter of a receive.

mod codec;
mod deliver_at;
mod digest;
mod filter;
mod rules;

pub use codec::{CodecError, stored_attributes};
pub(crate) use codec::{decode, encode};
pub(crate) use deliver_at::{DELIVER_AT, deliver_at_of};
pub(crate) use digest::{digest_attributes, digest_body};
pub(crate) use filter::Filter;
pub(crate) use rules::{
    MessageAttributeError, bytes_of, check_attributes, check_system_attributes, is_trace_header,
};

/// A checked attribute. `Number` is a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub name: &'a str,
    /// With its label: `Number.float`.
    pub data_type: &'a str,
    pub value: Value<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Value::Text(text) => text.as_bytes(),
            Value::Binary(bytes) => bytes,
        }
    }
}
