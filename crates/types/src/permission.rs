use crate::AccountId;

/// What a queue's owner allows others to do with it: one statement of the queue's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Names the statement; letters, digits, hyphens and underscores.
    pub label: String,
    /// At least one.
    pub accounts: Vec<AccountId>,
    /// AWS's names of actions, or `*`; at least one.
    pub actions: Vec<String>,
}

/// Why a queue's policy could not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermissionRefusal {
    #[error("policy has a statement with this label already")]
    LabelExists,
    #[error("policy has no statement with this label")]
    LabelMissing,
    #[error("policy would have {found} statements")]
    TooManyStatements { found: usize },
    #[error("policy would be too long")]
    PolicyTooLong,
    /// Its owner has set something that has no statements.
    #[error("policy cannot be extended")]
    PolicyUnreadable,
}
