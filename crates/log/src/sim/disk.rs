//! The simulated hardware: inodes, names, faults.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::file_system::SimFileSystem;
use super::inode::Inode;
use super::random::Random;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power goes while the operation runs.
    PowerCut,
    /// The operation fails with an input/output error.
    Io,
    /// The operation finds no space, if it needs any; a sync finds that the space promised earlier
    /// does not exist.
    NoSpace,
}

#[derive(Clone, Debug)]
enum NameChange {
    Create { path: PathBuf, inode: u64 },
    Rename { from: PathBuf, to: PathBuf },
    Remove { path: PathBuf },
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) random: Random,
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    unsynced_names: Vec<NameChange>,
    pub(super) directories: BTreeSet<PathBuf>,
    pub(super) locks: BTreeSet<PathBuf>,
    next_inode: u64,
    pub(super) boot: u64,
    powered: bool,
    operations: u64,
    faults: BTreeMap<u64, Fault>,
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    pub(super) state: Arc<Mutex<State>>,
}

impl SimDisk {
    pub fn new(seed: u64) -> SimDisk {
        let state = State {
            random: Random::new(seed),
            inodes: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            directories: BTreeSet::new(),
            locks: BTreeSet::new(),
            next_inode: 0,
            boot: 0,
            powered: false,
            operations: 0,
            faults: BTreeMap::new(),
        };
        SimDisk {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The file system for a new process; ends the one before as by [`kill`](Self::kill).
    pub fn boot(&self) -> Arc<SimFileSystem> {
        let mut state = self.state.lock();
        state.boot += 1;
        state.powered = true;
        state.locks.clear();
        state.forget_nameless();
        Arc::new(SimFileSystem::new(self.clone(), state.boot))
    }

    /// Ends the process, leaves the page cache.
    pub fn kill(&self) {
        let mut state = self.state.lock();
        state.powered = false;
        state.faults.clear();
    }

    /// Takes the power: only what is durable is left, and of the rest what chance kept.
    pub fn power_cut(&self) {
        self.state.lock().power_cut();
    }

    /// True between [`boot`](Self::boot) and a power cut or kill.
    pub fn is_powered(&self) -> bool {
        self.state.lock().powered
    }

    /// Lets `fault` strike at the operation that follows `operations` more. One operation is one
    /// call of [`FileSystem`](crate::FileSystem) or [`File`](crate::File), reads included.
    pub fn fault_after(&self, operations: u64, fault: Fault) {
        let mut state = self.state.lock();
        let at = state.operations + operations;
        state.faults.insert(at, fault);
    }

    pub fn clear_faults(&self) {
        self.state.lock().faults.clear();
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// The files by name, with their lengths as the page cache shows them.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state.lock();
        let length = |inode: &u64| state.inodes[inode].cache.len() as u64;
        state
            .names
            .iter()
            .map(|(path, inode)| (path.clone(), length(inode)))
            .collect()
    }

    /// The bytes of a file as the page cache shows them; empty if there is no such file.
    pub fn content(&self, path: &Path) -> Vec<u8> {
        let state = self.state.lock();
        state
            .names
            .get(path)
            .map(|inode| state.inodes[inode].cache.clone())
            .unwrap_or_default()
    }

    /// Flips one bit of a file, on the medium and in the cache.
    pub fn flip_bit(&self, path: &Path, bit: u64) {
        self.damage(path, |bytes| {
            if let Some(byte) = bytes.get_mut((bit / 8) as usize) {
                *byte ^= 1 << (bit % 8);
            }
        });
    }

    /// Overwrites a file with zeros from `offset` on, on the medium and in the cache.
    pub fn zero_from(&self, path: &Path, offset: u64) {
        self.damage(path, |bytes| {
            if let Some(rest) = bytes.get_mut(offset as usize..) {
                rest.fill(0);
            }
        });
    }

    /// Loses a file, durably.
    pub fn lose_file(&self, path: &Path) {
        let mut state = self.state.lock();
        state.names.remove(path);
        state.durable_names.remove(path);
    }

    /// A copy of the disk in its present state, which goes its own way.
    pub fn fork(&self) -> SimDisk {
        SimDisk {
            state: Arc::new(Mutex::new(self.state.lock().clone())),
        }
    }

    fn damage(&self, path: &Path, damage: impl Fn(&mut [u8])) {
        let mut state = self.state.lock();
        if let Some(inode) = state.names.get(path).copied()
            && let Some(inode) = state.inodes.get_mut(&inode)
        {
            inode.damage(damage);
        }
    }
}

impl State {
    /// Counts an operation of process `boot`; tells the fault that strikes it.
    pub(super) fn begin(&mut self, boot: u64) -> io::Result<Option<Fault>> {
        if !self.powered || boot != self.boot {
            return Err(io::Error::other("the power is off"));
        }
        let fault = self.faults.remove(&self.operations);
        self.operations += 1;
        Ok(fault)
    }

    pub(super) fn power_cut(&mut self) {
        self.powered = false;
        self.faults.clear();
        for change in std::mem::take(&mut self.unsynced_names) {
            if self.random.percent(50) {
                change.apply(&mut self.durable_names);
            }
        }
        self.names.clone_from(&self.durable_names);
        let random = &mut self.random;
        for inode in self.inodes.values_mut() {
            inode.lose_power(random);
        }
        self.forget_nameless();
    }

    /// Drops the files that no name leads to and no process can have open.
    fn forget_nameless(&mut self) {
        let names = self.names.values().chain(self.durable_names.values());
        let used: BTreeSet<u64> = names.copied().collect();
        self.inodes.retain(|inode, _| used.contains(inode));
    }

    pub(super) fn create(&mut self, path: &Path) -> u64 {
        if let Some(inode) = self.names.get(path) {
            return *inode;
        }
        let inode = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(inode, Inode::default());
        self.change(NameChange::Create {
            path: path.to_owned(),
            inode,
        });
        inode
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        self.change(NameChange::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }

    pub(super) fn remove(&mut self, path: &Path) {
        self.change(NameChange::Remove {
            path: path.to_owned(),
        });
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    pub(super) fn sync_dir(&mut self, directory: &Path) {
        let (synced, rest) = std::mem::take(&mut self.unsynced_names)
            .into_iter()
            .partition::<Vec<_>, _>(|change| change.path().parent() == Some(directory));
        self.unsynced_names = rest;
        for change in synced {
            change.apply(&mut self.durable_names);
        }
    }
}

impl NameChange {
    fn path(&self) -> &Path {
        match self {
            NameChange::Create { path, .. } | NameChange::Remove { path } => path,
            NameChange::Rename { to, .. } => to,
        }
    }

    /// Changes of which an earlier one was lost may find nothing to change.
    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            NameChange::Create { path, inode } => {
                names.insert(path.clone(), *inode);
            }
            NameChange::Rename { from, to } => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            NameChange::Remove { path } => {
                names.remove(path);
            }
        }
    }
}
