//! Golden bytes of everything that is persisted: a change here breaks every log and every store
//! there is. Each value has every field set, each to something else.

mod entry;
mod outcome;
mod row;
mod run;
mod tenant;

use prost::Message;

/// Encodes to these bytes, and decodes from them.
fn check<M: Message + Default + PartialEq + std::fmt::Debug>(name: &str, value: &M, golden: &str) {
    let hex: String = value
        .encode_to_vec()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, golden, "{name}");
    assert_eq!(
        M::decode(&value.encode_to_vec()[..]).as_ref(),
        Ok(value),
        "{name}"
    );
    assert_ne!(*value, M::default(), "{name} says nothing");
}

/// Sixteen bytes.
fn sixteen(byte: u8) -> bytes::Bytes {
    vec![byte; 16].into()
}
