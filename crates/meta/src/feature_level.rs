//! Feature levels: how the program changes what it replicates without a stop of the cluster.
//!
//! A new way of doing things comes with a higher [`FEATURE_LEVEL`] and stays switched off until
//! every node has that program; then meta raises the cluster's level by an entry.

use squorum_proto::meta as proto;
use thiserror::Error;

/// What this program knows. Rises with every release that replicates something new.
pub const FEATURE_LEVEL: u32 = 1;

/// What a cluster uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureLevel {
    /// Everything up to here is switched on.
    pub level: u32,
    /// A program that knows less must not run; at most `level`.
    pub minimum: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("cluster needs feature level {minimum}, this version of squorum has {known}")]
pub struct FeatureLevelError {
    pub minimum: u32,
    pub known: u32,
}

impl FeatureLevel {
    /// Of a cluster founded by this program.
    pub const CURRENT: FeatureLevel = FeatureLevel {
        level: FEATURE_LEVEL,
        minimum: FEATURE_LEVEL,
    };

    /// Whether a program that knows `known` may run in this cluster: an older binary refuses to
    /// start, to join and to apply.
    pub const fn check(self, known: u32) -> Result<(), FeatureLevelError> {
        if known < self.minimum {
            let minimum = self.minimum;
            return Err(FeatureLevelError { minimum, known });
        }
        Ok(())
    }

    /// The higher of both, field by field.
    pub(crate) fn raised_to(self, other: FeatureLevel) -> FeatureLevel {
        FeatureLevel {
            level: self.level.max(other.level),
            minimum: self.minimum.max(other.minimum),
        }
    }

    /// `None` if it makes no sense.
    pub(crate) fn decode(row: proto::FeatureLevel) -> Option<FeatureLevel> {
        let proto::FeatureLevel { level, minimum } = row;
        (1..=level)
            .contains(&minimum)
            .then_some(FeatureLevel { level, minimum })
    }
}

impl From<FeatureLevel> for proto::FeatureLevel {
    fn from(level: FeatureLevel) -> Self {
        proto::FeatureLevel {
            level: level.level,
            minimum: level.minimum,
        }
    }
}
