use squorum_store::View;

use super::found::put_cluster;
use crate::context::Context;
use crate::{Cluster, FEATURE_LEVEL, FeatureLevel, MetaError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RaiseFeatureLevelOutcome {
    Raised(FeatureLevel),
    /// It was there or higher already.
    Unchanged(FeatureLevel),
}

/// Levels never sink. A program that does not know the new minimum stops here, before it meets
/// what it does not know.
pub(super) fn apply<V: View>(
    context: &mut Context<'_, V>,
    cluster: &Cluster,
    level: FeatureLevel,
) -> Result<RaiseFeatureLevelOutcome, MetaError> {
    let raised = cluster.feature_level.raised_to(level);
    if raised == cluster.feature_level {
        return Ok(RaiseFeatureLevelOutcome::Unchanged(raised));
    }
    raised.check(FEATURE_LEVEL)?;
    let cluster = Cluster {
        feature_level: raised,
        ..cluster.clone()
    };
    put_cluster(context, cluster);
    Ok(RaiseFeatureLevelOutcome::Raised(raised))
}
