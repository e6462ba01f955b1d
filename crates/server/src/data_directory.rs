//! The data directory: the node's identity and where its parts lie.
//!
//! | name | what |
//! |---|---|
//! | `node-id` | the node's id, minted once |
//! | `log/` | the write-ahead log of all groups; its lock is the directory's |
//! | `state/` | the applied state |
//! | `scratch/` | files under construction, emptied at every start |
//! | `replaces` | the id that the node had before it lost what it had promised to keep |
//! | `lost/` | what that node left; removed once the cluster is whole without it |

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

    /// Puts away everything of a node that has lost what it had promised to keep, so that it comes back
    /// as a new one. Only for whoever has found out that the log cannot be used.
    pub(crate) fn set_aside(&self, lost: NodeId) -> anyhow::Result<()> {
        let aside = self.path.join("lost").join(lost.to_string());
        let put_away = || -> io::Result<()> {
            // First of all: whatever happens next, this id is not used again.
            self.write_node_id("replaces", lost)?;
            fs::create_dir_all(&aside)?;
            for part in [self.log(), self.state()] {
                if let Some(name) = part.file_name().filter(|_| part.exists()) {
                    fs::rename(&part, aside.join(name))?;
                }
            }
            // What was moved has to be there before nobody knows any more that it was to be moved.
            for directory in [&aside, &self.path.join("lost"), &self.path] {
                File::open(directory)?.sync_all()?;
            }
            if self.path.join("node-id").exists() {
                fs::remove_file(self.path.join("node-id"))?;
            }
            File::open(&self.path)?.sync_all()
        };
        put_away().with_context(|| format!("cannot put away {}", self.path.display()))
    }

    /// The id that the node had before, if its data was put away. Finishes that if a crash came in
    /// between.
    pub(crate) fn replaced(&self) -> anyhow::Result<Option<NodeId>> {
        let Some(lost) = self.read_node_id("replaces")? else {
            return Ok(None);
        };
        if self.read_node_id("node-id")? == Some(lost) {
            self.set_aside(lost)?;
        }
        Ok(Some(lost))
    }

    /// The cluster is whole again: what was put away is of no use any more.
    pub(crate) fn forget_replaced(&self) -> io::Result<()> {
        for remove in [
            fs::remove_dir_all(self.path.join("lost")),
            fs::remove_file(self.path.join("replaces")),
        ] {
            match remove {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// The node's id; minted when the directory has none. Only for whoever holds the log's lock.
    pub(crate) fn node_id(&self, entropy: &dyn Entropy) -> anyhow::Result<NodeId> {
        if let Some(id) = self.known_node_id()? {
            return Ok(id);
        }
        let id = NodeId(entropy.next_u64());
        let written = self.write_node_id("node-id", id);
        written.with_context(|| format!("cannot write the id in {}", self.path.display()))?;
        Ok(id)
    }

    /// `None` if the directory has none yet.
    pub(crate) fn known_node_id(&self) -> anyhow::Result<Option<NodeId>> {
        self.read_node_id("node-id")
    }

    fn read_node_id(&self, name: &str) -> anyhow::Result<Option<NodeId>> {
        let file = self.path.join(name);
        match fs::read_to_string(&file) {
            Ok(text) => match u64::from_str_radix(text.trim(), 16) {
                Ok(id) => Ok(Some(NodeId(id))),
                Err(_) => bail!("{} does not hold a node id", file.display()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Durable and whole, or not there.
    fn write_node_id(&self, name: &str, id: NodeId) -> io::Result<()> {
        let new = self.path.join(format!("{name}.new"));
        let mut writer = File::create(&new)?;
        writeln!(writer, "{id}")?;
        writer.sync_all()?;
        fs::rename(&new, self.path.join(name))?;
        File::open(&self.path)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    struct Seven;

    impl Entropy for Seven {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    /// Whatever was done of it before a crash, the next start finishes.
    #[test]
    fn what_a_lost_node_left_is_put_away_and_its_id_is_not_used_again() {
        let lost = NodeId(0x0707_0707_0707_0707);
        for crash_after in 0..4 {
            let temporary = tempfile::tempdir().unwrap();
            let directory = DataDirectory::open(temporary.path()).unwrap();
            assert_eq!(directory.node_id(&Seven).unwrap(), lost);
            for part in [directory.log(), directory.state()] {
                fs::create_dir(&part).unwrap();
                fs::write(part.join("file"), "").unwrap();
            }
            assert_eq!(directory.replaced().unwrap(), None);
            let aside = directory.path().join("lost").join(lost.to_string());
            if crash_after < 3 {
                directory.write_node_id("replaces", lost).unwrap();
            }
            if (1..3).contains(&crash_after) {
                fs::create_dir_all(&aside).unwrap();
                fs::rename(directory.log(), aside.join("log")).unwrap();
            }
            if crash_after == 2 {
                fs::rename(directory.state(), aside.join("state")).unwrap();
            }
            if crash_after == 3 {
                directory.set_aside(lost).unwrap();
            }
            assert_eq!(directory.replaced().unwrap(), Some(lost));
            assert_eq!(directory.known_node_id().unwrap(), None);
            assert!(!directory.log().exists() && !directory.state().exists());
            assert!(aside.join("log/file").exists() && aside.join("state/file").exists());
            directory.forget_replaced().unwrap();
            assert_eq!(directory.replaced().unwrap(), None);
            assert!(!directory.path().join("lost").exists());
        }
    }
}
