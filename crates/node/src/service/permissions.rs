//! Statements of a queue's policy. The policy is an attribute like others, so shards hear of the
//! queue's new version before the client is answered.

use squorum_meta::command::{AddPermission, PermissionOutcome, RemovePermission};
use squorum_meta::{Command, Outcome, WorkKind};
use squorum_store::Store;
use squorum_types::Permission;
use squorum_types::service::{QueueInfo, ServiceError};

use super::queues::unexpected;
use crate::node::Inner;

impl<S: Store> Inner<S> {
    pub(crate) async fn add_permission(
        &self,
        queue: &QueueInfo,
        permission: Permission,
    ) -> Result<(), ServiceError> {
        let label = permission.label.clone();
        let command = Command::AddPermission(Box::new(AddPermission {
            queue: queue.id,
            permission,
            request_id: self.request_id(),
        }));
        self.change_policy(queue, &command, label).await
    }

    pub(crate) async fn remove_permission(
        &self,
        queue: &QueueInfo,
        label: String,
    ) -> Result<(), ServiceError> {
        let command = Command::RemovePermission(Box::new(RemovePermission {
            queue: queue.id,
            label: label.clone(),
            request_id: self.request_id(),
        }));
        self.change_policy(queue, &command, label).await
    }

    async fn change_policy(
        &self,
        queue: &QueueInfo,
        command: &Command,
        label: String,
    ) -> Result<(), ServiceError> {
        match self.meta.propose(command).await? {
            Outcome::Permission(PermissionOutcome::Changed) => {
                self.controller.drive(queue.id, WorkKind::Configure).await
            }
            Outcome::Permission(PermissionOutcome::Refused(refusal)) => {
                Err(ServiceError::PermissionRefused { label, refusal })
            }
            Outcome::Permission(PermissionOutcome::NoSuchQueue) => {
                Err(ServiceError::QueueDoesNotExist)
            }
            other => Err(unexpected(&other)),
        }
    }
}
