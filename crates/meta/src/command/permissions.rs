//! Statements of a queue's policy. They change the policy as it is when the command is applied, so
//! none is lost between calls at the same time.

use squorum_proto::{MalformedError, meta as proto};
use squorum_store::{StoreError, View};
use squorum_types::limits::{
    PERMISSION_ACCOUNTS_MAX, PERMISSION_ACTIONS_MAX, PERMISSION_LABEL_BYTES_MAX,
};
use squorum_types::{AccountId, Permission, PermissionRefusal, QueueId};

use super::request_id::RequestId;
use crate::context::Context;
use crate::{Cluster, QueueRecord, policy};

/// Adds a statement to a queue's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddPermission {
    pub queue: QueueId,
    pub permission: Permission,
    pub request_id: RequestId,
}

/// Removes a statement from a queue's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovePermission {
    pub queue: QueueId,
    pub label: String,
    pub request_id: RequestId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PermissionOutcome {
    /// By this command or an earlier one of the same call.
    Changed,
    Refused(PermissionRefusal),
    /// It never was, or was deleted.
    NoSuchQueue,
}

impl From<&AddPermission> for proto::AddPermission {
    fn from(add: &AddPermission) -> Self {
        let accounts = add.permission.accounts.iter();
        proto::AddPermission {
            queue: add.queue.0,
            label: add.permission.label.clone(),
            accounts: accounts
                .map(|account| account.as_str().to_owned())
                .collect(),
            actions: add.permission.actions.clone(),
            request_id: add.request_id.encode(),
        }
    }
}

impl From<&RemovePermission> for proto::RemovePermission {
    fn from(remove: &RemovePermission) -> Self {
        proto::RemovePermission {
            queue: remove.queue.0,
            label: remove.label.clone(),
            request_id: remove.request_id.encode(),
        }
    }
}

impl AddPermission {
    pub(super) fn decode(add: &proto::AddPermission) -> Result<AddPermission, MalformedError> {
        let accounts = add.accounts.iter().map(|account| AccountId::parse(account));
        let accounts = accounts.collect::<Option<Vec<_>>>();
        let accounts = accounts.filter(|all| (1..=PERMISSION_ACCOUNTS_MAX).contains(&all.len()));
        // They become parts of a JSON text as they are.
        let is_action = |action: &String| {
            action == "*" || action.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        let count = (1..=PERMISSION_ACTIONS_MAX).contains(&add.actions.len());
        if !count || !add.actions.iter().all(is_action) {
            return Err(MalformedError("actions"));
        }
        Ok(AddPermission {
            queue: QueueId(add.queue),
            permission: Permission {
                label: decode_label(&add.label)?,
                accounts: accounts.ok_or(MalformedError("accounts"))?,
                actions: add.actions.clone(),
            },
            request_id: RequestId::decode(&add.request_id)?,
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
        cluster: &Cluster,
    ) -> Result<PermissionOutcome, StoreError> {
        change(context, cluster, (self.queue, self.request_id), |record| {
            let current = record.info.attributes.policy.as_deref();
            policy::with_statement(current, &record.info.arn(), &self.permission).map(Some)
        })
    }
}

impl RemovePermission {
    pub(super) fn decode(
        remove: &proto::RemovePermission,
    ) -> Result<RemovePermission, MalformedError> {
        Ok(RemovePermission {
            queue: QueueId(remove.queue),
            label: decode_label(&remove.label)?,
            request_id: RequestId::decode(&remove.request_id)?,
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
        cluster: &Cluster,
    ) -> Result<PermissionOutcome, StoreError> {
        change(context, cluster, (self.queue, self.request_id), |record| {
            let current = record.info.attributes.policy.as_deref();
            policy::without_statement(current, &self.label)
        })
    }
}

fn change<V: View>(
    context: &mut Context<'_, V>,
    cluster: &Cluster,
    (queue, request_id): (QueueId, RequestId),
    policy: impl FnOnce(&QueueRecord) -> Result<Option<String>, PermissionRefusal>,
) -> Result<PermissionOutcome, StoreError> {
    let Some(mut record) = context.live_queue(queue)? else {
        return Ok(PermissionOutcome::NoSuchQueue);
    };
    if record.set_by != Some(request_id) {
        record.info.attributes.policy = match policy(&record) {
            Ok(policy) => policy,
            Err(refusal) => return Ok(PermissionOutcome::Refused(refusal)),
        };
        context.put_changed_attributes(cluster, &mut record, request_id);
    }
    Ok(PermissionOutcome::Changed)
}

fn decode_label(label: &str) -> Result<String, MalformedError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let length = (1..=PERMISSION_LABEL_BYTES_MAX).contains(&label.len());
    if length && label.bytes().all(allowed) {
        Ok(label.to_owned())
    } else {
        Err(MalformedError("label"))
    }
}
