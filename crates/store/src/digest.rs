//! Digests that replicas compare. XXH3 (64 bits) is fixed by its specification, so nodes of
//! different versions and processors agree; it finds non-determinism, it is no defence against
//! forgery.

use std::ops::Range;

use twox_hash::XxHash3_64;

use crate::{Cursor, StoreError, View};

const PUT: u64 = 0x5055_5400_0000_0001;
const DELETE: u64 = 0x4445_4c00_0000_0002;

/// A running digest of writes in the order they are made. Each hash seeds the next one, and XXH3
/// takes the length in, so neither order nor the border between key and value can be confused.
#[derive(Debug, Default)]
pub(crate) struct WriteDigest(u64);

impl WriteDigest {
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0 = link(link(self.0 ^ PUT, key), value);
    }

    pub(crate) fn delete(&mut self, key: &[u8]) {
        self.0 = link(self.0 ^ DELETE, key);
    }

    pub(crate) fn take(&mut self) -> u64 {
        std::mem::take(&mut self.0)
    }
}

fn link(seed: u64, bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(seed, bytes)
}

/// Chains the digest of an entry to that of all entries before it.
pub fn chain_digest(before: u64, entry: u64) -> u64 {
    link(before, &entry.to_le_bytes())
}

/// A digest of all rows of `range`, for comparing whole replicas. Reads every row.
pub fn digest_range<V: View>(view: &V, range: Range<&[u8]>) -> Result<u64, StoreError> {
    let mut digest = WriteDigest::default();
    let mut cursor = view.scan(range)?;
    while let Some((key, value)) = cursor.next()? {
        digest.put(key, value);
    }
    Ok(digest.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Persisted chains compare across versions: these values must never change.
    #[test]
    fn golden() {
        let mut digest = WriteDigest::default();
        digest.put(b"key", b"value");
        let put = digest.take();
        digest.delete(b"key");
        let delete = digest.take();
        assert_eq!(
            (put, delete, chain_digest(put, delete)),
            (
                15_567_342_919_968_225_477,
                13_845_006_869_328_266_119,
                9_051_795_355_933_052_598
            )
        );
    }

    #[test]
    fn order_and_borders_count() {
        let run = |writes: &[(&[u8], Option<&[u8]>)]| {
            let mut digest = WriteDigest::default();
            for (key, value) in writes {
                match value {
                    Some(value) => digest.put(key, value),
                    None => digest.delete(key),
                }
            }
            digest.take()
        };
        assert_ne!(run(&[(b"ab", Some(b"c"))]), run(&[(b"a", Some(b"bc"))]));
        assert_ne!(
            run(&[(b"a", None), (b"b", None)]),
            run(&[(b"b", None), (b"a", None)])
        );
        assert_ne!(run(&[(b"a", Some(b""))]), run(&[(b"a", None)]));
        assert_eq!(run(&[]), 0);
    }
}
