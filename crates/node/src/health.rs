/// Whether a node can serve, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub ready: bool,
    pub reason: Option<String>,
}

impl Health {
    pub(crate) const READY: Health = Health {
        ready: true,
        reason: None,
    };

    pub(crate) fn not_ready(reason: String) -> Health {
        Health {
            ready: false,
            reason: Some(reason),
        }
    }
}
