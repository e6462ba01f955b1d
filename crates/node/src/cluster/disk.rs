use std::path::PathBuf;

/// Space on the file system that holds the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// That this process may still use.
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// Seam: how much space there is.
pub trait Disk: Send + Sync + 'static {
    /// `None` where it is not known. Must not block.
    fn space(&self) -> Option<DiskSpace>;
}

/// The file system under a path, as the operating system sees it.
#[derive(Clone, Debug)]
pub struct FileSystemDisk {
    pub path: PathBuf,
}

impl Disk for FileSystemDisk {
    fn space(&self) -> Option<DiskSpace> {
        let stat = rustix::fs::statvfs(&self.path).ok()?;
        Some(DiskSpace {
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_space_where_there_is_a_file_system() {
        let path = std::env::temp_dir();
        let space = FileSystemDisk { path }.space();
        assert!(space.is_some_and(|space| space.total_bytes >= space.free_bytes));
        let nowhere = PathBuf::from("/nowhere/at/all");
        assert_eq!(FileSystemDisk { path: nowhere }.space(), None);
    }
}
