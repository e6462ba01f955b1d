//! Settings of `squorum serve`: flags, each also an environment variable and a key of a TOML file.
//! A flag wins over a variable, a variable over the file, the file over the default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::Deserialize;

/// What can be given, by any of the three ways.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ServeArguments {
    /// A TOML file with any of the other settings, by their long names.
    #[arg(long, env = "SQUORUM_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,

    /// Where the node keeps everything [default: ./squorum-data]
    #[arg(long, env = "SQUORUM_DATA_DIR", value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,

    /// Where SQS is served [default: 127.0.0.1:9324]
    #[arg(long, env = "SQUORUM_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// Where health, status and metrics are served [default: 127.0.0.1:9325]
    #[arg(long, env = "SQUORUM_ADMIN_LISTEN", value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,

    /// Where the other nodes of the cluster are served; only with seeds [default: 127.0.0.1:9326]
    #[arg(long, env = "SQUORUM_CLUSTER_LISTEN", value_name = "ADDRESS")]
    cluster_listen: Option<SocketAddr>,

    /// Where the other nodes reach this one [default: the address of --cluster-listen]
    #[arg(long, env = "SQUORUM_ADVERTISE", value_name = "HOST:PORT")]
    advertise: Option<String>,

    /// The nodes that found the cluster together, this one among them, as they are advertised;
    /// without any the node is a cluster of its own
    #[arg(
        long,
        env = "SQUORUM_SEEDS",
        value_name = "HOST:PORT,…",
        value_delimiter = ','
    )]
    #[serde(default)]
    seeds: Vec<String>,

    /// Scheme, host and port of the queue URLs in answers; without it, as each client came
    #[arg(long, env = "SQUORUM_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,

    /// Shards of a cluster that this node founds, 1 to 256; fixed from then on [default: 8]
    #[arg(long, env = "SQUORUM_SHARDS", value_name = "NUMBER")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    shards: Option<u16>,

    /// Memory for recent writes to the state, in MiB [default: 128]
    #[arg(long, env = "SQUORUM_MEMTABLE_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(8..=65_536))]
    memtable_mib: Option<u32>,

    /// Memory for state read from disk, in MiB [default: 64]
    #[arg(long, env = "SQUORUM_BLOCK_CACHE_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(8..=65_536))]
    block_cache_mib: Option<u32>,

    /// Memory for recent log entries, in MiB [default: 64]
    #[arg(long, env = "SQUORUM_LOG_TAIL_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(8..=65_536))]
    log_tail_mib: Option<u32>,

    /// Log after which the state is flushed, in MiB [default: 128]
    #[arg(long, env = "SQUORUM_CHECKPOINT_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=65_536))]
    checkpoint_mib: Option<u32>,

    /// Log kept for nodes that were away for a while, in MiB; one that was away for longer is sent a
    /// snapshot [default: 256]
    #[arg(long, env = "SQUORUM_LOG_RETENTION_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    log_retention_mib: Option<u32>,

    /// How fast this node sends snapshots to others, in MiB per second [default: 16]
    #[arg(long, env = "SQUORUM_SNAPSHOT_MIB_PER_SECOND", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=65_536))]
    snapshot_mib_per_second: Option<u32>,

    /// For tests: clients of this node can use a deleted queue's name again, and purge a queue
    /// again, at once instead of after 60 seconds
    #[arg(
        long,
        env = "SQUORUM_IMMEDIATE_RECREATE_AND_PURGE",
        default_value_t = false
    )]
    #[serde(default)]
    immediate_recreate_and_purge: bool,

    /// Start although the log has provably lost acknowledged data: serve what is left of it
    #[arg(long, env = "SQUORUM_ACCEPT_LOSS", default_value_t = false)]
    #[serde(skip)]
    accept_loss: bool,
}

/// All settings, with defaults in place.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) admin_listen: SocketAddr,
    pub(crate) cluster_listen: SocketAddr,
    pub(crate) advertise: String,
    pub(crate) seeds: Vec<String>,
    pub(crate) public_url: Option<String>,
    pub(crate) shards: u16,
    pub(crate) memtable_bytes: usize,
    pub(crate) block_cache_bytes: usize,
    pub(crate) log_tail_bytes: usize,
    pub(crate) checkpoint_bytes: u64,
    pub(crate) log_retention_bytes: u64,
    pub(crate) snapshot_bytes_per_second: u64,
    pub(crate) immediate_recreate_and_purge: bool,
    pub(crate) accept_loss: bool,
}

const DATA_DIR_DEFAULT: &str = "./squorum-data";
const PORT_DEFAULT: u16 = 9324;
const ADMIN_PORT_DEFAULT: u16 = 9325;
const CLUSTER_PORT_DEFAULT: u16 = 9326;
const MIB: usize = 1 << 20;

impl ServeArguments {
    /// Reads the file, if one is named, and fills in defaults.
    pub(crate) fn resolve(self) -> anyhow::Result<Configuration> {
        let file = match &self.config {
            Some(path) => read_file(path)?,
            None => ServeArguments::default(),
        };
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let data_dir = self.data_dir.or(file.data_dir);
        let shards = self.shards.or(file.shards).unwrap_or(8);
        anyhow::ensure!((1..=256).contains(&shards), "shards must be from 1 to 256");
        let mib = |flag: Option<u32>, key: Option<u32>, default| {
            flag.or(key).unwrap_or(default) as usize * MIB
        };
        let cluster_listen = self.cluster_listen.or(file.cluster_listen);
        let cluster_listen = cluster_listen.unwrap_or(local(CLUSTER_PORT_DEFAULT));
        let seeds = if self.seeds.is_empty() {
            file.seeds
        } else {
            self.seeds
        };
        let advertise = self.advertise.or(file.advertise);
        anyhow::ensure!(
            seeds.is_empty() || advertise.is_some() || !cluster_listen.ip().is_unspecified(),
            "--advertise is needed: peers cannot reach {cluster_listen}"
        );
        Ok(Configuration {
            cluster_listen,
            advertise: advertise.unwrap_or_else(|| cluster_listen.to_string()),
            seeds,
            data_dir: data_dir.unwrap_or_else(|| DATA_DIR_DEFAULT.into()),
            listen: self.listen.or(file.listen).unwrap_or(local(PORT_DEFAULT)),
            admin_listen: self
                .admin_listen
                .or(file.admin_listen)
                .unwrap_or(local(ADMIN_PORT_DEFAULT)),
            public_url: self.public_url.or(file.public_url),
            shards,
            memtable_bytes: mib(self.memtable_mib, file.memtable_mib, 128),
            block_cache_bytes: mib(self.block_cache_mib, file.block_cache_mib, 64),
            log_tail_bytes: mib(self.log_tail_mib, file.log_tail_mib, 64),
            checkpoint_bytes: mib(self.checkpoint_mib, file.checkpoint_mib, 128) as u64,
            log_retention_bytes: mib(self.log_retention_mib, file.log_retention_mib, 256) as u64,
            snapshot_bytes_per_second: mib(
                self.snapshot_mib_per_second,
                file.snapshot_mib_per_second,
                16,
            ) as u64,
            immediate_recreate_and_purge: self.immediate_recreate_and_purge
                || file.immediate_recreate_and_purge,
            accept_loss: self.accept_loss,
        })
    }
}

fn read_file(path: &Path) -> anyhow::Result<ServeArguments> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {}", path.display()))?;
    toml::from_str(&text)
        .with_context(|| format!("cannot use the configuration {}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_file_fills_what_flags_leave_open() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("squorum.toml");
        std::fs::write(
            &path,
            "listen = \"0.0.0.0:1\"\nshards = 3\nmemtable-mib = 9\n\
             immediate-recreate-and-purge = true\n",
        )
        .unwrap();
        let arguments = ServeArguments {
            config: Some(path.clone()),
            shards: Some(4),
            ..ServeArguments::default()
        };
        let configuration = arguments.resolve().unwrap();
        assert_eq!(configuration.listen, "0.0.0.0:1".parse().unwrap());
        assert_eq!(configuration.shards, 4);
        assert_eq!(configuration.memtable_bytes, 9 * MIB);
        assert!(configuration.immediate_recreate_and_purge);
        assert_eq!(configuration.data_dir, PathBuf::from(DATA_DIR_DEFAULT));

        let everywhere = ServeArguments {
            cluster_listen: Some("0.0.0.0:9326".parse().unwrap()),
            seeds: vec!["a:9326".to_owned()],
            ..ServeArguments::default()
        };
        let error = everywhere.clone().resolve().unwrap_err().to_string();
        assert!(error.contains("--advertise"), "{error}");
        let advertised = ServeArguments {
            advertise: Some("a:9326".to_owned()),
            ..everywhere
        };
        assert_eq!(advertised.resolve().unwrap().advertise, "a:9326");

        std::fs::write(&path, "listne = 1\n").unwrap();
        let arguments = ServeArguments {
            config: Some(path),
            ..ServeArguments::default()
        };
        let error = format!("{:#}", arguments.resolve().unwrap_err());
        assert!(error.contains("listne"), "{error}");
    }
}
