use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DBCompressionType, LogLevel, ReadOptions,
    WriteOptions,
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Memtables that may exist at once: one takes writes while the other is flushed. More of them
/// would each be smaller, and fewer messages would be consumed before their memtable is full.
const MEMTABLES: usize = 2;
/// Below this RocksDB would silently use more than it was given.
const MEMTABLE_BYTES_MIN: usize = 64 * KIB;

/// The memory that the store may take, and the threads and files.
///
/// In all about `memtable_bytes + block_cache_bytes` plus some 20 MiB for compaction's buffers and
/// the tables' own structures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Bytes of all memtables together. What is consumed within half of them never reaches the
    /// disk.
    pub memtable_bytes: usize,
    /// Bytes of cached blocks, indexes and filters.
    pub block_cache_bytes: usize,
    /// Table files held open.
    pub open_files_max: u16,
    /// Threads for flushes and compactions together, at least 2.
    pub background_jobs: u8,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memtable_bytes: 128 * MIB,
            block_cache_bytes: 64 * MIB,
            open_files_max: 512,
            background_jobs: 2,
        }
    }
}

impl Options {
    pub(crate) fn block_cache(&self) -> Cache {
        // Zero lets the cache find the size of its entries.
        Cache::new_hyper_clock_cache(self.block_cache_bytes, 0)
    }

    pub(crate) fn database(&self, cache: &Cache) -> rocksdb::Options {
        let memtable_bytes = (self.memtable_bytes / MEMTABLES).max(MEMTABLE_BYTES_MIN);
        let file_bytes = memtable_bytes.clamp(4 * MIB, 64 * MIB);

        let mut options = rocksdb::Options::default();
        options.set_block_based_table_factory(&tables(cache));
        options.set_write_buffer_size(memtable_bytes);
        options.set_max_write_buffer_number(MEMTABLES as i32);

        // Promise 2 of the crate rests on these; they are stated although they are the defaults.
        options.set_unordered_write(false);
        options.set_enable_pipelined_write(false);
        options.set_inplace_update_support(false);
        options.set_allow_concurrent_memtable_write(true);

        options.set_max_background_jobs(i32::from(self.background_jobs.max(2)));
        options.set_max_open_files(i32::from(self.open_files_max));
        options.set_level_compaction_dynamic_level_bytes(true);
        options.set_target_file_size_base(file_bytes as u64);
        options.set_max_bytes_for_level_base(4 * file_bytes as u64);
        // Fresh files die young, so compressing them does not pay.
        options.set_compression_per_level(&[DBCompressionType::None, DBCompressionType::Lz4]);
        // Lets the kernel write files back steadily, so that their final sync does not hold up the
        // log's.
        options.set_bytes_per_sync(MIB as u64);

        // No thread may wake up for statistics nobody reads.
        options.set_stats_dump_period_sec(0);
        options.set_stats_persist_period_sec(0);
        options.set_log_level(LogLevel::Info);
        options.set_keep_log_file_num(4);
        options.set_max_log_file_size(8 * MIB);
        options.set_paranoid_checks(true);
        options
    }
}

fn tables(cache: &Cache) -> BlockBasedOptions {
    let mut tables = BlockBasedOptions::default();
    tables.set_block_cache(cache);
    tables.set_block_size(16 * KIB);
    tables.set_format_version(6);
    tables.set_bloom_filter(10.0, false);
    // Indexes and filters live in the cache, in parts, so that a backlog of any size fits its
    // budget; only their top levels are pinned.
    tables.set_cache_index_and_filter_blocks(true);
    tables.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    tables.set_partition_filters(true);
    tables.set_metadata_block_size(4 * KIB);
    tables.set_pin_top_level_index_and_filter(true);
    tables
}

/// No write goes to a write-ahead log.
pub(crate) fn write_options() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.disable_wal(true);
    options
}

/// For a scan that ends below `end`: rows beyond it, deleted ones above all, are not looked at.
pub(crate) fn scan_options(end: &[u8]) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_upper_bound(end);
    options
}
