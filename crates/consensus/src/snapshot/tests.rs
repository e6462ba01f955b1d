#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use squorum_store::memory::MemoryStore;
use squorum_store::{Store, StoreError, WriteBatch};
use squorum_types::GroupId;

use super::{ChunkSource, GroupStore, SnapshotData, SnapshotError, SnapshotStore};
use crate::codec;
use crate::raft_types::log_id;
use crate::state_machine::{Applied, applied_key, first_state_key, group_key_range, installed_key};

const GROUP: GroupId = GroupId(7);

/// Chunks as they came over a wire.
struct Received(std::vec::IntoIter<Bytes>);

impl ChunkSource for Received {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, SnapshotError> {
        Ok(self.0.next())
    }
}

fn applied() -> Applied {
    Applied {
        log_id: Some(log_id(4, 99)),
        ..Applied::default()
    }
}

/// Three chunks of rows, and rows of others around them that must stay out.
fn store() -> (MemoryStore, Vec<(Bytes, Bytes)>) {
    let store = MemoryStore::new();
    let mut batch = WriteBatch::new();
    batch.put(applied_key(GROUP), codec::encode_applied(&applied()));
    batch.put(installed_key(GROUP), codec::encode_applied(&applied()));
    batch.put(first_state_key(GroupId(GROUP.0 - 1)), &b"before"[..]);
    batch.put(group_key_range(GROUP).end, &b"after"[..]);
    let mut rows = Vec::new();
    for row in 0..25_u8 {
        let key = Bytes::from([&first_state_key(GROUP)[..], &[row]].concat());
        let value = Bytes::from(vec![row; usize::from(row % 3) * 60_000]);
        batch.put(key.clone(), value.clone());
        rows.push((key, value));
    }
    // A value that is larger than a chunk, then an empty key's row.
    let key = Bytes::from([&first_state_key(GROUP)[..], &[200]].concat());
    batch.put(key.clone(), vec![1; 3 << 20]);
    rows.push((key, vec![1; 3 << 20].into()));
    store.commit(batch).unwrap();
    (store, rows)
}

fn chunks(store: &MemoryStore) -> Vec<Bytes> {
    let mut source = GroupStore {
        store: store.clone(),
        group: GROUP,
    }
    .open()
    .unwrap();
    std::iter::from_fn(|| source.next_chunk().unwrap()).collect()
}

fn read(chunks: Vec<Bytes>) -> Result<(Applied, Vec<(Bytes, Bytes)>), SnapshotError> {
    let (header, rows) = SnapshotData::new(Box::new(Received(chunks.into_iter())))?.into_rows();
    assert_eq!(header.group, GROUP);
    let rows: Result<Vec<_>, StoreError> = rows.collect();
    Ok((header.applied, rows?))
}

#[test]
fn a_snapshot_brings_the_rows_of_its_group_as_they_were() {
    let (store, rows) = store();
    let mut source = GroupStore {
        store: store.clone(),
        group: GROUP,
    }
    .open()
    .unwrap();
    let mut batch = WriteBatch::new();
    batch.put(
        applied_key(GROUP),
        codec::encode_applied(&Applied::default()),
    );
    batch.delete(rows[3].0.clone());
    store.commit(batch).unwrap();
    let chunks: Vec<_> = std::iter::from_fn(|| source.next_chunk().unwrap()).collect();
    assert!(chunks.len() >= 4, "{} chunks", chunks.len());
    assert_eq!(read(chunks).unwrap(), (applied(), rows));
}

#[test]
fn an_empty_group_has_a_snapshot() {
    let chunks = chunks(&MemoryStore::new());
    assert_eq!(chunks.len(), 2);
    assert_eq!(read(chunks).unwrap(), (Applied::default(), Vec::new()));
}

#[test]
fn a_damaged_snapshot_never_ends_well() {
    let (store, _) = store();
    let whole = chunks(&store);
    for at in 0..whole.len() {
        let mut missing = whole.clone();
        missing.remove(at);
        assert!(read(missing).is_err(), "without chunk {at}");
        let mut doubled = whole.clone();
        doubled.insert(at, whole[at].clone());
        // A snapshot ends with its end.
        assert_eq!(
            read(doubled).is_err(),
            at + 1 < whole.len(),
            "chunk {at} twice"
        );
        assert!(read(whole[..at].to_vec()).is_err(), "{at} chunks only");
        for byte in [0, 4, 5, whole[at].len() / 2, whole[at].len() - 1] {
            let mut flipped = whole.clone();
            let mut bytes = whole[at].to_vec();
            bytes[byte] ^= 1;
            flipped[at] = bytes.into();
            assert!(read(flipped).is_err(), "byte {byte} of chunk {at} flipped");
        }
    }
    let mut swapped = whole;
    swapped.swap(1, 2);
    assert!(read(swapped).is_err());
}

/// The format is on other nodes' wires: it must never change.
#[test]
fn golden() {
    let store = MemoryStore::new();
    let mut batch = WriteBatch::new();
    batch.put(applied_key(GROUP), codec::encode_applied(&applied()));
    batch.put(first_state_key(GROUP), &b"value"[..]);
    store.commit(batch).unwrap();
    let hex: Vec<String> = chunks(&store)
        .iter()
        .map(|chunk| chunk.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    let golden = [
        "51c2ff3c01000807120a0a040804106312021200",
        "8a3fc15701010500000005000000000000070176616c7565",
        "1609774901020801112fa0770cfaebd249",
    ];
    assert_eq!(hex, golden);
}
