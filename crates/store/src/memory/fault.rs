/// What a [`Fault`] strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Commit,
    Flush,
    ReplaceRange,
}

/// A failure to come: after `after` more operations of its kind one fails with
/// [`StoreError::Io`](crate::StoreError::Io), once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub operation: Operation,
    /// Operations of this kind that still succeed.
    pub after: u32,
    /// The operation takes effect although it answers with an error, as when a device loses the
    /// answer only.
    pub takes_effect: bool,
}
