//! [`FileSystem`] and [`File`] over the simulated disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Fault, SimDisk, State};
use super::inode::Inode;
use crate::fs::{DirectoryLock, File, FileSystem};

/// What one process sees of a [`SimDisk`], from [`SimDisk::boot`] to the next cut or kill.
#[derive(Debug)]
pub struct SimFileSystem {
    disk: SimDisk,
    boot: u64,
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    boot: u64,
    inode: u64,
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    boot: u64,
    path: PathBuf,
}

impl DirectoryLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state.lock();
        if state.boot == self.boot {
            state.locks.remove(&self.path);
        }
    }
}

fn fail(fault: Fault) -> io::Error {
    match fault {
        Fault::PowerCut => io::Error::other("the power was cut"),
        Fault::Io => io::Error::from_raw_os_error(5),
        Fault::NoSpace => io::Error::from(io::ErrorKind::StorageFull),
    }
}

fn not_found() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl SimFileSystem {
    pub(super) fn new(disk: SimDisk, boot: u64) -> SimFileSystem {
        SimFileSystem { disk, boot }
    }

    /// Runs a change of names. It has happened even if the power goes, as far as the cache knows.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state.lock();
        match state.begin(self.boot)? {
            None => change(&mut state),
            Some(Fault::PowerCut) => {
                let _ = change(&mut state);
                state.power_cut();
                Err(fail(Fault::PowerCut))
            }
            Some(fault) => Err(fail(fault)),
        }
    }

    fn file(&self, inode: u64) -> Arc<dyn File> {
        Arc::new(SimFile {
            disk: self.disk.clone(),
            boot: self.boot,
            inode,
        })
    }
}

impl FileSystem for SimFileSystem {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.change(|state| {
            state.directories.insert(path.to_owned());
            Ok(())
        })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.change(|state| {
            let inside = state
                .names
                .keys()
                .filter(|path| path.parent() == Some(directory));
            Ok(inside
                .filter_map(|path| path.file_name())
                .map(|name| name.to_string_lossy().into_owned())
                .collect())
        })
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let inode = self.change(|state| {
            let inode = state.create(path);
            if let Some(file) = state.inodes.get_mut(&inode) {
                file.set_len(0);
            }
            Ok(inode)
        })?;
        Ok(self.file(inode))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let inode = self.change(|state| state.names.get(path).copied().ok_or_else(not_found))?;
        Ok(self.file(inode))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|state| {
            if !state.names.contains_key(from) {
                return Err(not_found());
            }
            state.rename(from, to);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(|state| {
            if !state.names.contains_key(path) {
                return Err(not_found());
            }
            state.remove(path);
            Ok(())
        })
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        match state.begin(self.boot)? {
            None => {
                state.sync_dir(directory);
                Ok(())
            }
            Some(Fault::PowerCut) => {
                state.power_cut();
                Err(fail(Fault::PowerCut))
            }
            Some(fault) => Err(fail(fault)),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        self.change(|state| {
            if !state.locks.insert(path.to_owned()) {
                return Err(io::Error::from(io::ErrorKind::WouldBlock));
            }
            Ok(())
        })?;
        Ok(Box::new(SimLock {
            disk: self.disk.clone(),
            boot: self.boot,
            path: path.to_owned(),
        }))
    }
}

impl SimFile {
    fn with<T>(
        &self,
        run: impl FnOnce(&mut State, u64, Option<Fault>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.disk.state.lock();
        let fault = state.begin(self.boot)?;
        let result = run(&mut state, self.inode, fault);
        if fault == Some(Fault::PowerCut) {
            state.power_cut();
        }
        match fault {
            Some(fault) => result.and(Err(fail(fault))),
            None => result,
        }
    }
}

fn inode(state: &mut State, inode: u64) -> io::Result<&mut Inode> {
    state.inodes.get_mut(&inode).ok_or_else(not_found)
}

impl File for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|state, file, _| Ok(inode(state, file)?.cache.len() as u64))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|state, file, _| {
            let cache = &inode(state, file)?.cache;
            let start = offset as usize;
            match cache.get(start..start + buffer.len()) {
                Some(bytes) => buffer.copy_from_slice(bytes),
                None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            }
            Ok(())
        })
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.with(|state, file, fault| {
            // An error may come after part of the bytes.
            let written = match fault {
                Some(Fault::Io | Fault::NoSpace) => state.random.below(bytes.len() as u64 + 1),
                _ => bytes.len() as u64,
            };
            inode(state, file)?.write(offset, &bytes[..written as usize]);
            Ok(())
        })
    }

    fn preallocate(&self, length_bytes: u64) -> io::Result<()> {
        self.with(|state, file, fault| {
            let inode = inode(state, file)?;
            // Durable only by the next sync, which is less than the contract promises: recovery must
            // not rest on it.
            if fault.is_none() && (inode.cache.len() as u64) < length_bytes {
                inode.set_len(length_bytes);
            }
            Ok(())
        })
    }

    fn set_len(&self, length_bytes: u64) -> io::Result<()> {
        self.with(|state, file, fault| {
            if fault.is_none() || fault == Some(Fault::PowerCut) {
                inode(state, file)?.set_len(length_bytes);
            }
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|state, file, fault| {
            match fault {
                None => inode(state, file)?.sync(),
                Some(Fault::PowerCut) => {}
                Some(Fault::Io | Fault::NoSpace) => {
                    let mut random = state.random.clone();
                    inode(state, file)?.fail_sync(&mut random);
                    state.random = random;
                }
            }
            Ok(())
        })
    }
}
