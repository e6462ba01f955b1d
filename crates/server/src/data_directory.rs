//! The data directory: the node's identity and where its parts lie.
//!
//! | name | what |
//! |---|---|
//! | `node-id` | the node's id, minted once |
//! | `log/` | the write-ahead log of all groups; its lock is the directory's |
//! | `state/` | the applied state |
//! | `scratch/` | files under construction, emptied at every start |

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use squorum_types::{Entropy, NodeId};

#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
}

impl DataDirectory {
    /// Creates the directory if it is not there.
    pub(crate) fn open(path: &Path) -> anyhow::Result<DataDirectory> {
        fs::create_dir_all(path)
            .with_context(|| format!("cannot create the data directory {}", path.display()))?;
        let path = path.canonicalize()?;
        Ok(DataDirectory { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    /// Empties the scratch directory. Only for whoever holds the log's lock.
    pub(crate) fn clean_scratch(&self) -> anyhow::Result<PathBuf> {
        let scratch = self.path.join("scratch");
        match fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        fs::create_dir(&scratch)?;
        Ok(scratch)
    }

    /// The node's id; minted when the directory has none. Only for whoever holds the log's lock.
    pub(crate) fn node_id(&self, entropy: &dyn Entropy) -> anyhow::Result<NodeId> {
        let file = self.path.join("node-id");
        match fs::read_to_string(&file) {
            Ok(text) => match u64::from_str_radix(text.trim(), 16) {
                Ok(id) => Ok(NodeId(id)),
                Err(_) => bail!("{} does not hold a node id", file.display()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let id = entropy.next_u64();
                self.write_node_id(&file, id)
                    .with_context(|| format!("cannot write {}", file.display()))?;
                Ok(NodeId(id))
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Durable and whole, or not there.
    fn write_node_id(&self, file: &Path, id: u64) -> io::Result<()> {
        let new = self.path.join("node-id.new");
        let mut writer = File::create(&new)?;
        writeln!(writer, "{id:016x}")?;
        writer.sync_all()?;
        fs::rename(&new, file)?;
        File::open(&self.path)?.sync_all()
    }
}
