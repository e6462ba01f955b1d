use squorum_store::View;

use super::found::put_cluster;
use crate::context::Context;
use crate::{Cluster, ClusterSettings};

pub(super) fn apply<V: View>(
    context: &mut Context<'_, V>,
    cluster: &Cluster,
    settings: ClusterSettings,
) {
    if cluster.settings != settings {
        let cluster = Cluster {
            settings,
            ..cluster.clone()
        };
        put_cluster(context, cluster);
    }
}
