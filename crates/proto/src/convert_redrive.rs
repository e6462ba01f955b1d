//! Conversions of redrive policies.

use squorum_types::{QueueArn, RedriveAllowPolicy, RedrivePermission, RedrivePolicy};

use crate::meta::redrive_allow_policy::Permission;
use crate::{MalformedError, meta};

impl From<&RedrivePolicy> for meta::RedrivePolicy {
    fn from(policy: &RedrivePolicy) -> Self {
        meta::RedrivePolicy {
            text: policy.text.clone(),
            target_arn: policy.target.to_string(),
            receives_max: policy.receives_max,
        }
    }
}

impl TryFrom<&meta::RedrivePolicy> for RedrivePolicy {
    type Error = MalformedError;

    fn try_from(policy: &meta::RedrivePolicy) -> Result<Self, MalformedError> {
        Ok(RedrivePolicy {
            text: policy.text.clone(),
            target: arn(&policy.target_arn)?,
            receives_max: policy.receives_max,
        })
    }
}

impl From<&RedriveAllowPolicy> for meta::RedriveAllowPolicy {
    fn from(policy: &RedriveAllowPolicy) -> Self {
        let permission = match &policy.permission {
            RedrivePermission::AllowAll => Permission::AllowAll(meta::Unit {}),
            RedrivePermission::DenyAll => Permission::DenyAll(meta::Unit {}),
            RedrivePermission::ByQueue(arns) => Permission::ByQueue(meta::QueueArns {
                arns: arns.iter().map(QueueArn::to_string).collect(),
            }),
        };
        meta::RedriveAllowPolicy {
            text: policy.text.clone(),
            permission: Some(permission),
        }
    }
}

impl TryFrom<&meta::RedriveAllowPolicy> for RedriveAllowPolicy {
    type Error = MalformedError;

    fn try_from(policy: &meta::RedriveAllowPolicy) -> Result<Self, MalformedError> {
        let permission = match &policy.permission {
            Some(Permission::AllowAll(_)) => RedrivePermission::AllowAll,
            Some(Permission::DenyAll(_)) => RedrivePermission::DenyAll,
            Some(Permission::ByQueue(sources)) => {
                let arns = sources.arns.iter().map(|text| arn(text));
                RedrivePermission::ByQueue(arns.collect::<Result<_, _>>()?)
            }
            None => return Err(MalformedError("redrive permission")),
        };
        Ok(RedriveAllowPolicy {
            text: policy.text.clone(),
            permission,
        })
    }
}

fn arn(text: &str) -> Result<QueueArn, MalformedError> {
    QueueArn::parse(text).ok_or(MalformedError("queue ARN"))
}
