//! The log's directory: names of files, and errors that say what was done to which.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::OpenError;
use crate::fs::{DirectoryLock, File, FileSystem};

/// A failed operation on the file system, with what it was for.
#[derive(Debug)]
pub(crate) struct IoFailure {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl fmt::Display for IoFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.action,
            self.path.display(),
            self.source
        )
    }
}

impl From<IoFailure> for OpenError {
    fn from(failure: IoFailure) -> Self {
        OpenError::Io {
            action: failure.action,
            path: failure.path.display().to_string(),
            source: failure.source,
        }
    }
}

/// What a file in the directory is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Segment(u64),
    Spare(u64),
    Lost(u64),
    Other,
}

impl Name {
    pub(crate) fn parse(name: &str) -> Name {
        let number = |digits: &str| {
            let whole = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
            whole.then(|| digits.parse::<u64>().ok()).flatten()
        };
        let log = name.strip_suffix(".log");
        if let Some(segment) = log.and_then(number) {
            return Name::Segment(segment);
        }
        if let Some(lost) = log
            .and_then(|name| name.strip_prefix("lost-"))
            .and_then(number)
        {
            return Name::Lost(lost);
        }
        match name.strip_prefix("spare-").and_then(number) {
            Some(spare) => Name::Spare(spare),
            None => Name::Other,
        }
    }
}

pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:020}.log")
}

pub(crate) fn spare_name(number: u64) -> String {
    format!("spare-{number:020}")
}

pub(crate) fn lost_name(number: u64) -> String {
    format!("lost-{number:020}.log")
}

#[derive(Clone, Debug)]
pub(crate) struct Directory {
    fs: Arc<dyn FileSystem>,
    path: PathBuf,
    /// Only a planted bug clears it.
    syncs: bool,
}

impl Directory {
    pub(crate) fn new(fs: Arc<dyn FileSystem>, path: PathBuf, syncs: bool) -> Directory {
        Directory { fs, path, syncs }
    }

    /// Names an error of an operation on `name`; an empty name is the directory itself.
    pub(crate) fn failure(
        &self,
        action: &'static str,
        name: &str,
    ) -> impl FnOnce(io::Error) -> IoFailure + use<> {
        let path = if name.is_empty() {
            self.path.clone()
        } else {
            self.path.join(name)
        };
        move |source| IoFailure {
            action,
            path,
            source,
        }
    }

    /// Creates the directory if need be and locks it for this process.
    pub(crate) fn lock(&self) -> Result<Box<dyn DirectoryLock>, OpenError> {
        self.fs
            .create_dir(&self.path)
            .map_err(self.failure("creating", ""))?;
        match self.fs.lock(&self.path.join("LOCK")) {
            Ok(lock) => Ok(lock),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(OpenError::Locked),
            Err(error) => Err(self.failure("locking", "LOCK")(error).into()),
        }
    }

    pub(crate) fn list(&self) -> Result<Vec<String>, IoFailure> {
        self.fs
            .list(&self.path)
            .map_err(self.failure("listing", ""))
    }

    pub(crate) fn create(&self, name: &str) -> Result<Arc<dyn File>, IoFailure> {
        self.fs
            .create(&self.path.join(name))
            .map_err(self.failure("creating", name))
    }

    pub(crate) fn open(&self, name: &str) -> Result<Arc<dyn File>, IoFailure> {
        self.fs
            .open(&self.path.join(name))
            .map_err(self.failure("opening", name))
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), IoFailure> {
        let (source, target) = (self.path.join(from), self.path.join(to));
        self.fs
            .rename(&source, &target)
            .map_err(self.failure("renaming", from))
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), IoFailure> {
        self.fs
            .remove(&self.path.join(name))
            .map_err(self.failure("removing", name))
    }

    pub(crate) fn sync(&self) -> Result<(), IoFailure> {
        if !self.syncs {
            return Ok(());
        }
        self.fs
            .sync_dir(&self.path)
            .map_err(self.failure("syncing", ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(Name::parse(&segment_name(7)), Name::Segment(7));
        assert_eq!(Name::parse(&spare_name(7)), Name::Spare(7));
        assert_eq!(Name::parse(&lost_name(7)), Name::Lost(7));
        assert_eq!(Name::parse("7.log"), Name::Other);
        assert_eq!(segment_name(7), "00000000000000000007.log");
    }
}
