use squorum_store::{Random, Store, View, WriteBatch};
use squorum_store_rocksdb::{Options, RocksStore};

const MIB: usize = 1 << 20;

/// Indexes, filters, blocks and memtables stay within what they were given, whatever the backlog.
#[test]
fn memory_stays_within_the_budget() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        memtable_bytes: 8 * MIB,
        block_cache_bytes: 4 * MIB,
        ..Options::default()
    };
    let store = RocksStore::open(directory.path(), &options).unwrap();
    let mut random = Random::new(crate::seed());
    let mut most = 0;
    let batches = crate::size(1_000, 20_000) as u64;
    for batch_number in 0..batches {
        let mut batch = WriteBatch::new();
        for row in 0..100_u64 {
            let mut value = vec![0; 1_024];
            value.chunks_exact_mut(8).for_each(|chunk| {
                chunk.copy_from_slice(&random.next_u64().to_le_bytes());
            });
            batch.put((batch_number * 100 + row).to_be_bytes().to_vec(), value);
        }
        store.commit(batch).unwrap();
        for _ in 0..10 {
            let key = random.below((batch_number + 1) * 100).to_be_bytes();
            assert_eq!(store.get(&key).unwrap().unwrap().len(), 1_024);
        }
        most = most.max(store.memory_bytes() as usize);
    }
    let budget = options.memtable_bytes + options.block_cache_bytes;
    println!(
        "at most {most} of {budget} bytes for {} MiB of rows",
        batches / 10
    );
    // A memtable is switched once it is full, and table readers and blocks in use come on top.
    assert!(most <= budget + 3 * MIB, "{most} of {budget} bytes");
}
