//! The commands, one a file: typed form, outcome, effect.

mod admit_node;
mod advance_member;
mod attributes;
mod change_cluster_settings;
mod create_queue;
mod delete_queue;
mod found;
mod move_tasks;
mod permissions;
mod purge;
mod raise_feature_level;
mod redrive;
mod remove_node;
mod request_id;
mod set_attributes;
mod tags;
mod work_done;

pub use admit_node::{AdmitNode, AdmitRefusal};
pub use advance_member::AdvanceMember;
pub use create_queue::{CreateQueue, CreateQueueOutcome};
pub use delete_queue::{DeleteQueue, DeleteQueueOutcome};
pub use found::{Found, FoundOutcome};
pub use move_tasks::{CancelMove, CancelMoveOutcome, ReportMove, StartMove, StartMoveOutcome};
pub use permissions::{AddPermission, PermissionOutcome, RemovePermission};
pub use purge::{Purge, PurgeOutcome};
pub use raise_feature_level::RaiseFeatureLevelOutcome;
pub use remove_node::RemoveRefusal;
#[cfg(test)]
pub(crate) use remove_node::remove_member;
pub use request_id::RequestId;
pub use set_attributes::{SetAttributes, SetAttributesOutcome};
pub(crate) use tags::encode_tags;
pub use tags::{TagQueue, TagsOutcome, UntagQueue};
pub use work_done::{WorkDone, WorkDoneOutcome};

use squorum_proto::meta::command::Operation;
use squorum_proto::{MalformedError, meta as proto};
use squorum_store::View;
use squorum_types::NodeId;

use crate::context::Context;
use crate::{Cluster, ClusterSettings, FeatureLevel, MetaError, Outcome, Refusal, calls, cluster};

/// What can be proposed to the control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Lets time pass.
    Tick,
    Found(Found),
    RaiseFeatureLevel(FeatureLevel),
    ChangeClusterSettings(ClusterSettings),
    CreateQueue(Box<CreateQueue>),
    SetAttributes(Box<SetAttributes>),
    DeleteQueue(DeleteQueue),
    Purge(Purge),
    WorkDone(WorkDone),
    StartMove(Box<StartMove>),
    CancelMove(CancelMove),
    ReportMove(ReportMove),
    AdmitNode(AdmitNode),
    /// Has a member leave.
    RemoveNode(NodeId),
    AdvanceMember(AdvanceMember),
    AddPermission(Box<AddPermission>),
    RemovePermission(Box<RemovePermission>),
    TagQueue(Box<TagQueue>),
    UntagQueue(Box<UntagQueue>),
}

impl From<&Command> for proto::Command {
    fn from(command: &Command) -> Self {
        let operation = match command {
            Command::Tick => Operation::Tick(proto::Tick {}),
            Command::Found(found) => Operation::Found(found.into()),
            Command::RaiseFeatureLevel(level) => {
                let feature_level = Some((*level).into());
                Operation::RaiseFeatureLevel(proto::RaiseFeatureLevel { feature_level })
            }
            Command::ChangeClusterSettings(settings) => {
                let settings = Some((*settings).into());
                Operation::ChangeClusterSettings(proto::ChangeClusterSettings { settings })
            }
            Command::CreateQueue(create) => Operation::CreateQueue(create.as_ref().into()),
            Command::SetAttributes(set) => Operation::SetAttributes(set.as_ref().into()),
            Command::DeleteQueue(delete) => Operation::DeleteQueue(delete.into()),
            Command::Purge(purge) => Operation::Purge(purge.into()),
            Command::WorkDone(done) => Operation::WorkDone(done.into()),
            Command::StartMove(start) => Operation::StartMove(start.as_ref().into()),
            Command::CancelMove(cancel) => Operation::CancelMove(cancel.into()),
            Command::ReportMove(report) => Operation::ReportMove(report.into()),
            Command::AdmitNode(admit) => Operation::AdmitNode(admit.into()),
            Command::RemoveNode(node) => Operation::RemoveNode(proto::RemoveNode { node: node.0 }),
            Command::AdvanceMember(advance) => Operation::AdvanceMember(advance.into()),
            Command::AddPermission(add) => Operation::AddPermission(add.as_ref().into()),
            Command::RemovePermission(remove) => {
                Operation::RemovePermission(remove.as_ref().into())
            }
            Command::TagQueue(tag) => Operation::TagQueue(tag.as_ref().into()),
            Command::UntagQueue(untag) => Operation::UntagQueue(untag.as_ref().into()),
        };
        proto::Command {
            operation: Some(operation),
            ..proto::Command::default()
        }
    }
}

impl Command {
    /// A proposal of a call: however often it is made, the command takes effect once.
    pub fn of_call(&self, call: RequestId) -> proto::Command {
        proto::Command {
            call_id: call.encode(),
            ..self.into()
        }
    }

    /// The outer error is a newer version's command, the inner one nobody's.
    fn decode(command: &proto::Command) -> Result<Result<Command, MalformedError>, MetaError> {
        let unknown = |what| MetaError::UnknownEntry { what };
        let operation = command.operation.as_ref();
        Ok(match operation.ok_or(unknown("a command"))? {
            Operation::Tick(_) => Ok(Command::Tick),
            Operation::Found(found) => Found::decode(found).map(Command::Found),
            Operation::RaiseFeatureLevel(raise) => {
                cluster::decode_feature_level(raise.feature_level).map(Command::RaiseFeatureLevel)
            }
            Operation::ChangeClusterSettings(change) => {
                let settings = change.settings.ok_or(MalformedError("cluster settings"));
                settings.map(|settings| Command::ChangeClusterSettings(settings.into()))
            }
            Operation::CreateQueue(create) => {
                CreateQueue::decode(create).map(|create| Command::CreateQueue(Box::new(create)))
            }
            Operation::SetAttributes(set) => {
                SetAttributes::decode(set).map(|set| Command::SetAttributes(Box::new(set)))
            }
            Operation::DeleteQueue(delete) => Ok(Command::DeleteQueue(delete.into())),
            Operation::Purge(purge) => Purge::decode(purge).map(Command::Purge),
            Operation::WorkDone(done) => {
                let kind = done.kind.ok_or(unknown("a kind of work"))?;
                WorkDone::decode(done, kind).map(Command::WorkDone)
            }
            Operation::StartMove(start) => {
                StartMove::decode(start).map(|start| Command::StartMove(Box::new(start)))
            }
            Operation::CancelMove(cancel) => CancelMove::decode(cancel).map(Command::CancelMove),
            Operation::ReportMove(report) => ReportMove::decode(report).map(Command::ReportMove),
            Operation::AdmitNode(admit) => Ok(Command::AdmitNode(admit.into())),
            Operation::RemoveNode(remove) => Ok(Command::RemoveNode(NodeId(remove.node))),
            Operation::AdvanceMember(advance) => {
                AdvanceMember::decode(advance).map(Command::AdvanceMember)
            }
            Operation::AddPermission(add) => {
                AddPermission::decode(add).map(|add| Command::AddPermission(Box::new(add)))
            }
            Operation::RemovePermission(remove) => RemovePermission::decode(remove)
                .map(|remove| Command::RemovePermission(Box::new(remove))),
            Operation::TagQueue(tag) => {
                TagQueue::decode(tag).map(|tag| Command::TagQueue(Box::new(tag)))
            }
            Operation::UntagQueue(untag) => Ok(Command::UntagQueue(Box::new(untag.into()))),
        })
    }
}

/// Runs one command of an entry.
pub(crate) fn apply<V: View>(
    context: &mut Context<'_, V>,
    command: &proto::Command,
) -> Result<Outcome, MetaError> {
    let decoded = Command::decode(command)?;
    let call = RequestId::decode_optional(&command.call_id);
    let decoded = decoded.and_then(|command| Ok((command, call?)));
    match (decoded, context.cluster.clone()) {
        (Err(MalformedError(what)), _) => Ok(Outcome::Refused(Refusal::Malformed(what))),
        (Ok((Command::Tick, _)), _) => Ok(Outcome::Done),
        (Ok((Command::Found(found), _)), _) => found.apply(context).map(Outcome::Found),
        (Ok(_), None) => Ok(Outcome::Refused(Refusal::NotFounded)),
        (Ok((command, None)), Some(cluster)) => apply_founded(context, &cluster, command),
        (Ok((command, Some(call))), Some(cluster)) => {
            if let Some(outcome) = calls::outcome_of(context, call, &command)? {
                return Ok(outcome);
            }
            let outcome = apply_founded(context, &cluster, command)?;
            calls::keep(context, call, &outcome)?;
            Ok(outcome)
        }
    }
}

fn apply_founded<V: View>(
    context: &mut Context<'_, V>,
    cluster: &Cluster,
    command: Command,
) -> Result<Outcome, MetaError> {
    let outcome = match command {
        Command::Tick | Command::Found(_) => unreachable!("needs no founded cluster"),
        Command::RaiseFeatureLevel(level) => {
            raise_feature_level::apply(context, cluster, level).map(Outcome::RaiseFeatureLevel)?
        }
        Command::ChangeClusterSettings(settings) => {
            change_cluster_settings::apply(context, cluster, settings);
            Outcome::Done
        }
        Command::CreateQueue(create) => create.apply(context, cluster)?,
        Command::SetAttributes(set) => set.apply(context, cluster)?,
        Command::DeleteQueue(delete) => Outcome::DeleteQueue(delete.apply(context, cluster)?),
        Command::Purge(purge) => Outcome::Purge(purge.apply(context, cluster)?),
        Command::WorkDone(done) => Outcome::WorkDone(done.apply(context)?),
        Command::StartMove(start) => Outcome::StartMove(start.apply(context)?),
        Command::CancelMove(cancel) => Outcome::CancelMove(cancel.apply(context)?),
        Command::ReportMove(report) => {
            report.apply(context)?;
            Outcome::Done
        }
        Command::AdmitNode(admit) => Outcome::AdmitNode(admit.apply(context)?),
        Command::RemoveNode(node) => Outcome::RemoveNode(remove_node::apply(context, node)?),
        Command::AdvanceMember(advance) => {
            advance.apply(context)?;
            Outcome::Done
        }
        Command::AddPermission(add) => Outcome::Permission(add.apply(context, cluster)?),
        Command::RemovePermission(remove) => Outcome::Permission(remove.apply(context, cluster)?),
        Command::TagQueue(tag) => Outcome::Tags(tag.apply(context)?),
        Command::UntagQueue(untag) => Outcome::Tags(untag.apply(context)?),
    };
    Ok(outcome)
}
