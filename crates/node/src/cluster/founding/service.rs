use std::sync::Arc;

use parking_lot::Mutex;
use squorum_peer::caller;
use squorum_proto::cluster as proto;
use squorum_proto::cluster::founding_server::{self, FoundingServer};
use squorum_store::{Store, StoreError};
use tonic::{Request, Response, Status};

use super::Introduction;
use crate::cluster::candidates::{Candidate, Candidates};
use crate::cluster::{ClusterRecord, Stage, write_record};

/// Says who this node is. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Introducer {
    introduction: Arc<Mutex<Introduction>>,
    candidates: Candidates,
    /// Held while the record is changed and written.
    writing: Arc<Mutex<()>>,
}

impl Introducer {
    /// `introduction`: with the record as it is on disk.
    pub(crate) fn new(introduction: Introduction) -> Introducer {
        Introducer {
            introduction: Arc::new(Mutex::new(introduction)),
            candidates: Candidates::default(),
            writing: Arc::default(),
        }
    }

    /// For anyone: callers have no cluster yet.
    pub(crate) fn service(&self) -> FoundingServer<Introducer> {
        FoundingServer::new(self.clone())
    }

    pub(crate) fn introduction(&self) -> Introduction {
        self.introduction.lock().clone()
    }

    /// Nodes that have asked to be taken in.
    pub(crate) fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    pub(crate) fn has_started(&self) -> bool {
        let introduction = self.introduction.lock();
        let stage = introduction.record.as_ref().map(|record| record.stage);
        stage >= Some(Stage::Started)
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

impl Introducer {
    /// Changes the record that this node has, writes it, then tells of it. Blocks for a flush.
    pub(crate) fn amend<S: Store>(
        &self,
        store: &S,
        change: impl FnOnce(&ClusterRecord) -> ClusterRecord,
    ) -> Result<(), StoreError> {
        let _only = self.writing.lock();
        let record = self.introduction.lock().record.clone();
        match record.map(|record| (change(&record), record)) {
            Some((changed, record)) if changed != record => self.record(store, changed),
            _ => Ok(()),
        }
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

    async fn apply(
        &self,
        request: Request<proto::ApplyRequest>,
    ) -> Result<Response<proto::ApplyResponse>, Status> {
        let caller = caller(&request);
        let introduction = request.into_inner().introduction;
        let introduction = introduction.and_then(|one| Introduction::try_from(one).ok());
        let introduction = introduction.filter(|one| caller == Some(one.node));
        let introduction = introduction
            .ok_or_else(|| Status::invalid_argument("introduction is not the caller's"))?;
        if introduction.record.is_none()
            && let Some(address) = introduction.address
        {
            self.candidates.heard(Candidate {
                node: introduction.node,
                address,
                replaces: introduction.replaces,
            });
        }
        Ok(Response::new(proto::ApplyResponse {}))
    }
}
