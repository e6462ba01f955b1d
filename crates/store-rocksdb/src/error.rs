use std::path::Path;

use rocksdb::ErrorKind;
use squorum_store::StoreError;

pub(crate) fn store_error(error: rocksdb::Error) -> StoreError {
    let kind = error.kind();
    let message = error.into_string();
    match kind {
        ErrorKind::Corruption => StoreError::Corruption(message),
        ErrorKind::ShutdownInProgress => StoreError::Closed,
        _ if message.contains("No space left on device") => StoreError::NoSpace(message),
        _ => StoreError::Io(message),
    }
}

/// For errors of opening, where some mean more.
pub(crate) fn open_error(path: &Path, error: rocksdb::Error) -> StoreError {
    let kind = error.kind();
    let message = error.to_string();
    // "While lock file: …/LOCK: Resource temporarily unavailable", or "lock hold by current
    // process" if that is this one.
    if kind == ErrorKind::IOError && message.contains("/LOCK: ") {
        return StoreError::InUse {
            path: path.into(),
            reason: message,
        };
    }
    // The directory is there and so is what names its files: one of those is missing.
    if kind == ErrorKind::IOError && message.contains("No such file or directory") {
        return StoreError::Corruption(message);
    }
    match kind {
        ErrorKind::InvalidArgument | ErrorKind::NotSupported => StoreError::Incompatible {
            path: path.into(),
            reason: message,
        },
        _ => store_error(error),
    }
}

pub(crate) fn file_error(action: &str, path: &Path, error: &std::io::Error) -> StoreError {
    let message = format!("cannot {action} {}: {error}", path.display());
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::NoSpace(message),
        _ => StoreError::Io(message),
    }
}
