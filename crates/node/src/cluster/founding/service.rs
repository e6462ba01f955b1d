use std::sync::Arc;

use parking_lot::Mutex;
use squorum_proto::cluster as proto;
use squorum_proto::cluster::founding_server::{self, FoundingServer};
use squorum_store::{Store, StoreError};
use tonic::{Request, Response, Status};

use super::Introduction;
use crate::cluster::{ClusterRecord, write_record};

/// Says who this node is. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Introducer {
    introduction: Arc<Mutex<Introduction>>,
}

impl Introducer {
    /// `introduction`: with the record as it is on disk.
    pub(crate) fn new(introduction: Introduction) -> Introducer {
        Introducer {
            introduction: Arc::new(Mutex::new(introduction)),
        }
    }

    /// For anyone: callers have no cluster yet.
    pub(crate) fn service(&self) -> FoundingServer<Introducer> {
        FoundingServer::new(self.clone())
    }

    pub(crate) fn introduction(&self) -> Introduction {
        self.introduction.lock().clone()
    }

    /// Writes this node's record, then tells of it. Blocks for a flush.
    pub(crate) fn record<S: Store>(
        &self,
        store: &S,
        record: ClusterRecord,
    ) -> Result<(), StoreError> {
        write_record(store, &record)?;
        self.introduction.lock().record = Some(record);
        Ok(())
    }
}

#[tonic::async_trait]
impl founding_server::Founding for Introducer {
    async fn introduce(
        &self,
        _: Request<proto::IntroduceRequest>,
    ) -> Result<Response<proto::IntroduceResponse>, Status> {
        let introduction = Some((&self.introduction()).into());
        Ok(Response::new(proto::IntroduceResponse { introduction }))
    }
}
