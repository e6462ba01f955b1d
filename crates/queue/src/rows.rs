//! Typed rows over raw ones.

use bytes::Bytes;
use prost::Message;
use squorum_store::{StoreError, Txn, View};

/// Reads and decodes the row at `key`.
pub(crate) fn get<R: Message + Default, V: View>(
    view: &V,
    key: &[u8],
) -> Result<Option<R>, StoreError> {
    view.get(key)?.map(decode).transpose()
}

pub(crate) fn put<R: Message, T: Txn>(txn: &mut T, key: Bytes, row: &R) {
    txn.put_bytes(key, row.encode_to_vec().into());
}

/// A row that does not decode was not written by this program: the store is corrupt.
pub(crate) fn decode<R: Message + Default>(value: Bytes) -> Result<R, StoreError> {
    R::decode(value).map_err(|error| corrupt(&error.to_string()))
}

pub(crate) fn corrupt(what: &str) -> StoreError {
    StoreError::Corruption(what.to_owned())
}
