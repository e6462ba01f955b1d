//! Settings of `squorum serve`: flags, each also an environment variable and a key of a TOML file.
//! A flag wins over a variable, a variable over the file, the file over the default.

mod arguments;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;

pub(crate) use self::arguments::ServeArguments;

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
const MIB: u64 = 1 << 20;

impl ServeArguments {
    /// Reads the file, if one is named, and fills in defaults.
    pub(crate) fn resolve(self) -> anyhow::Result<Configuration> {
        let given = match &self.config {
            Some(path) => {
                let file = read_file(path)?;
                self.or(file)
            }
            None => self,
        };
        given.check()?;
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let bytes = |mib: Option<u32>, default| u64::from(mib.unwrap_or(default)) * MIB;
        let cluster_listen = given.cluster_listen;
        let cluster_listen = cluster_listen.unwrap_or(local(CLUSTER_PORT_DEFAULT));
        anyhow::ensure!(
            given.seeds.is_empty()
                || given.advertise.is_some()
                || !cluster_listen.ip().is_unspecified(),
            "--advertise is needed: peers cannot reach {cluster_listen}"
        );
        Ok(Configuration {
            cluster_listen,
            advertise: given
                .advertise
                .unwrap_or_else(|| cluster_listen.to_string()),
            seeds: given.seeds,
            data_dir: given.data_dir.unwrap_or_else(|| DATA_DIR_DEFAULT.into()),
            listen: given.listen.unwrap_or(local(PORT_DEFAULT)),
            admin_listen: given.admin_listen.unwrap_or(local(ADMIN_PORT_DEFAULT)),
            public_url: given.public_url,
            shards: given.shards.unwrap_or(8),
            memtable_bytes: bytes(given.memtable_mib, 128) as usize,
            block_cache_bytes: bytes(given.block_cache_mib, 64) as usize,
            log_tail_bytes: bytes(given.log_tail_mib, 64) as usize,
            checkpoint_bytes: bytes(given.checkpoint_mib, 128),
            log_retention_bytes: bytes(given.log_retention_mib, 256),
            snapshot_bytes_per_second: bytes(given.snapshot_mib_per_second, 16),
            immediate_recreate_and_purge: given.immediate_recreate_and_purge,
            accept_loss: given.accept_loss,
        })
    }
}

fn read_file(path: &Path) -> anyhow::Result<ServeArguments> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {}", path.display()))?;
    toml::from_str(&text)
        .with_context(|| format!("cannot use the configuration {}", path.display()))
}
