//! What can be given, and which of it is refused.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

/// What numbers may be, however they are given.
const SHARDS: RangeInclusive<i64> = 1..=256;
const MEMORY_MIB: RangeInclusive<i64> = 8..=65_536;
const CHECKPOINT_MIB: RangeInclusive<i64> = 1..=65_536;
const LOG_RETENTION_MIB: RangeInclusive<i64> = 1..=1_048_576;
const SNAPSHOT_MIB_PER_SECOND: RangeInclusive<i64> = 1..=65_536;

/// What can be given, by any of the three ways.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ServeArguments {
    /// A TOML file with any of the other settings, by their long names.
    #[arg(long, env = "SQUORUM_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub(super) config: Option<PathBuf>,

    /// Where the node keeps everything [default: ./squorum-data]
    #[arg(long, env = "SQUORUM_DATA_DIR", value_name = "DIRECTORY")]
    pub(super) data_dir: Option<PathBuf>,

    /// Where SQS is served [default: 127.0.0.1:9324]
    #[arg(long, env = "SQUORUM_LISTEN", value_name = "ADDRESS")]
    pub(super) listen: Option<SocketAddr>,

    /// Where health, status and metrics are served [default: 127.0.0.1:9325]
    #[arg(long, env = "SQUORUM_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub(super) admin_listen: Option<SocketAddr>,

    /// Where the other nodes of the cluster are served; only with seeds [default: 127.0.0.1:9326]
    #[arg(long, env = "SQUORUM_CLUSTER_LISTEN", value_name = "ADDRESS")]
    pub(super) cluster_listen: Option<SocketAddr>,

    /// Where the other nodes reach this one [default: the address of --cluster-listen]
    #[arg(long, env = "SQUORUM_ADVERTISE", value_name = "HOST:PORT")]
    pub(super) advertise: Option<String>,

    /// The nodes that found the cluster together, this one among them, as they are advertised;
    /// without any the node is a cluster of its own
    #[arg(
        long,
        env = "SQUORUM_SEEDS",
        value_name = "HOST:PORT,…",
        value_delimiter = ','
    )]
    #[serde(default)]
    pub(super) seeds: Vec<String>,

    /// Scheme, host and port of the queue URLs in answers; without it, as each client came
    #[arg(long, env = "SQUORUM_PUBLIC_URL", value_name = "URL")]
    pub(super) public_url: Option<String>,

    /// Shards of a cluster that this node founds, 1 to 256; fixed from then on [default: 8]
    #[arg(long, env = "SQUORUM_SHARDS", value_name = "NUMBER")]
    #[arg(value_parser = clap::value_parser!(u16).range(SHARDS))]
    pub(super) shards: Option<u16>,

    /// Memory for recent writes to the state, in MiB [default: 128]
    #[arg(long, env = "SQUORUM_MEMTABLE_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(MEMORY_MIB))]
    pub(super) memtable_mib: Option<u32>,

    /// Memory for state read from disk, in MiB [default: 64]
    #[arg(long, env = "SQUORUM_BLOCK_CACHE_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(MEMORY_MIB))]
    pub(super) block_cache_mib: Option<u32>,

    /// Memory for recent log entries, in MiB [default: 64]
    #[arg(long, env = "SQUORUM_LOG_TAIL_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(MEMORY_MIB))]
    pub(super) log_tail_mib: Option<u32>,

    /// Log after which the state is flushed, in MiB [default: 128]
    #[arg(long, env = "SQUORUM_CHECKPOINT_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(CHECKPOINT_MIB))]
    pub(super) checkpoint_mib: Option<u32>,

    /// Log kept for nodes that were away for a while, in MiB; one that was away for longer is sent a
    /// snapshot [default: 256]
    #[arg(long, env = "SQUORUM_LOG_RETENTION_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(LOG_RETENTION_MIB))]
    pub(super) log_retention_mib: Option<u32>,

    /// How fast this node sends snapshots to others, in MiB per second [default: 16]
    #[arg(long, env = "SQUORUM_SNAPSHOT_MIB_PER_SECOND", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(SNAPSHOT_MIB_PER_SECOND))]
    pub(super) snapshot_mib_per_second: Option<u32>,

    /// For tests: clients of this node can use a deleted queue's name again, and purge a queue
    /// again, at once instead of after 60 seconds
    #[arg(
        long,
        env = "SQUORUM_IMMEDIATE_RECREATE_AND_PURGE",
        default_value_t = false
    )]
    #[serde(default)]
    pub(super) immediate_recreate_and_purge: bool,

    /// Start although the log has provably lost acknowledged data: serve what is left of it; only
    /// without seeds
    #[arg(long, env = "SQUORUM_ACCEPT_LOSS", default_value_t = false)]
    #[serde(skip)]
    pub(super) accept_loss: bool,
}

impl ServeArguments {
    /// These, and what they leave open from the file.
    pub(super) fn or(self, file: ServeArguments) -> ServeArguments {
        ServeArguments {
            config: self.config,
            data_dir: self.data_dir.or(file.data_dir),
            listen: self.listen.or(file.listen),
            admin_listen: self.admin_listen.or(file.admin_listen),
            cluster_listen: self.cluster_listen.or(file.cluster_listen),
            advertise: self.advertise.or(file.advertise),
            seeds: if self.seeds.is_empty() {
                file.seeds
            } else {
                self.seeds
            },
            public_url: self.public_url.or(file.public_url),
            shards: self.shards.or(file.shards),
            memtable_mib: self.memtable_mib.or(file.memtable_mib),
            block_cache_mib: self.block_cache_mib.or(file.block_cache_mib),
            log_tail_mib: self.log_tail_mib.or(file.log_tail_mib),
            checkpoint_mib: self.checkpoint_mib.or(file.checkpoint_mib),
            log_retention_mib: self.log_retention_mib.or(file.log_retention_mib),
            snapshot_mib_per_second: self
                .snapshot_mib_per_second
                .or(file.snapshot_mib_per_second),
            immediate_recreate_and_purge: self.immediate_recreate_and_purge
                || file.immediate_recreate_and_purge,
            accept_loss: self.accept_loss,
        }
    }

    /// clap has seen the flags and the variables, and nobody the file.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let numbers = [
            ("shards", self.shards.map(u32::from), SHARDS),
            ("memtable-mib", self.memtable_mib, MEMORY_MIB),
            ("block-cache-mib", self.block_cache_mib, MEMORY_MIB),
            ("log-tail-mib", self.log_tail_mib, MEMORY_MIB),
            ("checkpoint-mib", self.checkpoint_mib, CHECKPOINT_MIB),
            (
                "log-retention-mib",
                self.log_retention_mib,
                LOG_RETENTION_MIB,
            ),
            (
                "snapshot-mib-per-second",
                self.snapshot_mib_per_second,
                SNAPSHOT_MIB_PER_SECOND,
            ),
        ];
        for (key, value, range) in numbers {
            let Some(value) = value else { continue };
            anyhow::ensure!(
                range.contains(&value.into()),
                "{key} is {value} and must be from {} to {}",
                range.start(),
                range.end()
            );
        }
        anyhow::ensure!(
            self.seeds.is_empty() || !self.accept_loss,
            "--accept-loss is only for a node without seeds: others have what one with seeds has \
             lost, and it comes back by itself, as a new member"
        );
        Ok(())
    }
}
