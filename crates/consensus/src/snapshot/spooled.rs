use std::ops::{Deref, DerefMut};

use tokio::runtime::Handle;

/// A file whose last name is gone, or what buffers one. To close it frees its blocks, which takes some
/// file systems a second for each gibibyte: asynchronous workers leave that to a thread for blocking work.
pub(super) struct Spooled<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Spooled<T> {
    pub(super) fn new(file: T) -> Spooled<T> {
        Spooled(Some(file))
    }

    pub(super) fn into_inner(mut self) -> T {
        self.0.take().expect("only here and on drop")
    }
}

impl<T: Send + 'static> Deref for Spooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("there until it is dropped")
    }
}

impl<T: Send + 'static> DerefMut for Spooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("there until it is dropped")
    }
}

impl<T: Send + 'static> Drop for Spooled<T> {
    fn drop(&mut self) {
        if let (Some(file), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop(file));
        }
    }
}
