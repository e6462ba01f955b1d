/// Whether a node can serve reads and writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub ready: bool,
    /// Why not.
    pub reason: Option<String>,
}
