//! What a node does next on the way to its cluster. Pure.
//!
//! Every node asks all seeds who they are, again and again, and decides by its own state and the
//! answers of one round. Nobody is told anything: what a node has written, it answers when asked.
//!
//! 1. The empty node with the lowest id founds, once every seed has answered, is empty and agrees:
//!    it writes a record that names the members.
//! 2. An empty member takes the record over from the founder alone, and only while the founder has
//!    not seen all members hold it. So a member that lost its disk later is never taken for one
//!    that has not heard yet.
//! 3. The founder calls the cluster founded when every member holds the record, on disk. The others
//!    hear of it from anyone. No group runs before that: two founders can name the same node, but
//!    that node holds one record, so at most one of the two clusters ever runs.
//! 4. A node that finds a founded cluster without it founds none. It asks to be taken in, and takes the
//!    record over once it is admitted; as a member that joins it must have had it.
//! 5. A node that has lost what a member had promised to keep founds no cluster, and nobody founds one
//!    with it: it was part of one, and the others may all have lost theirs too.

use std::collections::BTreeSet;

use squorum_meta::{ClusterId, Member, MemberState};
use squorum_types::NodeId;

use super::disagreement::disagreement;
use super::introduction::Introduction;
use crate::cluster::error::FoundingError;
use crate::cluster::{ClusterRecord, Stage};

/// What was heard from an address.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) address: String,
    /// Why nothing was heard, otherwise.
    pub(crate) introduction: Result<Introduction, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The cluster is founded; this node's record says so.
    Done(ClusterRecord),
    /// To be on disk before it is told to anyone.
    Write(ClusterRecord),
    /// What for.
    Wait(String),
    /// To be taken into a cluster that is founded, by its members at these addresses.
    Apply {
        addresses: Vec<String>,
        reason: String,
    },
}

/// `answers`: of this round, of every address of [`places`], in the same order. `new_id`: for the
/// cluster that this node may found now.
pub(crate) fn decide(
    own: &Introduction,
    answers: &[Answer],
    new_id: ClusterId,
) -> Result<Decision, FoundingError> {
    match &own.record {
        Some(record) if record.stage >= Stage::Founded => Ok(Decision::Done(record.clone())),
        Some(record) => follow(own, record, answers),
        None => {
            if let Some(decision) = join(own, answers)? {
                return Ok(decision);
            }
            if let Some(reason) = lost(own, answers) {
                return Ok(Decision::Wait(reason));
            }
            Ok(found(own, answers, new_id))
        }
    }
}

/// The addresses that a node must ask.
pub(crate) fn places(own: &Introduction) -> Vec<String> {
    let members = own.record.iter().flat_map(|record| &record.members);
    let members = members.map(|member| member.address.clone());
    let places: BTreeSet<String> = own
        .seeds
        .addresses()
        .iter()
        .cloned()
        .chain(members)
        .collect();
    places.into_iter().collect()
}

fn heard(answers: &[Answer]) -> impl Iterator<Item = (&str, &Introduction)> {
    answers.iter().filter_map(|answer| {
        let introduction = answer.introduction.as_ref().ok()?;
        Some((answer.address.as_str(), introduction))
    })
}

/// This node has the record of a cluster of which some member may not have it yet.
fn follow(
    own: &Introduction,
    record: &ClusterRecord,
    answers: &[Answer],
) -> Result<Decision, FoundingError> {
    for (address, other) in heard(answers) {
        let Some(others) = &other.record else {
            continue;
        };
        if others.cluster_id != record.cluster_id {
            return Err(FoundingError::OtherCluster {
                own: record.cluster_id,
                address: address.to_owned(),
                other: others.cluster_id,
            });
        }
        if others.stage >= Stage::Founded {
            return Ok(Decision::Write(record.at(Stage::Founded)));
        }
    }
    if record.founder != own.node {
        let reason = lacking(record, record.founder, answers)
            .unwrap_or_else(|| "other members do not have its record yet".to_owned());
        let founder = record.founder;
        return Ok(Decision::Wait(format!(
            "node {founder} is founding the cluster: {reason}"
        )));
    }
    let lacking = record
        .nodes()
        .filter(|node| *node != own.node)
        .find_map(|node| lacking(record, node, answers));
    Ok(match lacking {
        Some(reason) => Decision::Wait(format!("this node is founding the cluster: {reason}")),
        None => Decision::Write(record.at(Stage::Founded)),
    })
}

/// Why it is not known that a member holds the record.
fn lacking(record: &ClusterRecord, node: NodeId, answers: &[Answer]) -> Option<String> {
    const START_OVER: &str = "unless that node comes back with its data directory, stop all seeds, \
                              empty their data directories and start again";
    let member = record.member(node)?;
    if let Some((address, found)) = heard(answers).find(|(_, other)| other.node == node) {
        return match &found.record {
            Some(_) => None,
            None if node == record.founder => Some(format!(
                "it is at {address} and has lost the record; {START_OVER}"
            )),
            None => Some(format!("{address} does not have the record yet")),
        };
    }
    let address = &member.address;
    let answer = answers.iter().find(|answer| answer.address == *address)?;
    Some(match &answer.introduction {
        Err(reason) => waiting_for(address, reason),
        Ok(other) => format!(
            "at {address} is node {}, not {}; {START_OVER}",
            other.node, node
        ),
    })
}

/// This node is empty. `None` if nobody whom it hears has a record.
fn join(own: &Introduction, answers: &[Answer]) -> Result<Option<Decision>, FoundingError> {
    let others = heard(answers).filter(|(_, other)| other.node != own.node);
    let records =
        others.filter_map(|(address, other)| Some((address, other, other.record.as_ref()?)));
    let records: Vec<_> = records.collect();
    let founded = records.iter().filter(|(_, _, r)| r.stage >= Stage::Founded);
    if let Some((address, _, record)) = founded.max_by_key(|(_, _, r)| r.roster_version) {
        return join_founded(own, address, record).map(Some);
    }
    let mut waits = None;
    for (address, other, record) in records {
        let founder = record.founder;
        if record.member(own.node).is_none() {
            waits = Some(format!(
                "seed {address} takes part in founding a cluster without this node: stop all seeds, \
                 empty their data directories and start again"
            ));
        } else if let Some(reason) = lost(own, &[]) {
            waits = Some(reason);
        } else if other.node == record.founder {
            return Ok(Some(Decision::Write(record.clone())));
        } else {
            let text = format!("waiting for node {founder}, which is founding the cluster");
            waits.get_or_insert(text);
        }
    }
    Ok(waits.map(Decision::Wait))
}

/// Why no cluster may be founded with these: one of them was a member of another.
fn lost(own: &Introduction, answers: &[Answer]) -> Option<String> {
    let others = heard(answers).map(|(_, other)| other);
    let lost = others
        .chain([own])
        .find_map(|one| Some((one.node, one.replaces?)));
    let (node, member) = lost?;
    Some(format!(
        "node {node} has lost what it had promised to keep as member {member} of a cluster, and finds \
         none that could take it in: start the other members, or restore what it has under `lost` in \
         its data directory; to give all of it up, remove `replaces` there"
    ))
}

/// `record`: the newest that was heard of, at `address`.
fn join_founded(
    own: &Introduction,
    address: &str,
    record: &ClusterRecord,
) -> Result<Decision, FoundingError> {
    let (node, cluster) = (own.node, record.cluster_id);
    match record.member(node) {
        None => {
            let members = record.members.iter();
            let members = members.map(|member| member.address.clone());
            let addresses: BTreeSet<_> = members.chain([address.to_owned()]).collect();
            Ok(Decision::Apply {
                addresses: addresses.into_iter().collect(),
                reason: format!(
                    "this node, {node}, is no member of cluster {cluster}, which seed {address} \
                     belongs to; at a member, `squorum node replace OLD-ID` takes it in for one that \
                     is lost, `squorum node add {node}` beside the others"
                ),
            })
        }
        Some(member) if member.state == MemberState::Admitted => {
            Ok(Decision::Write(record.at(Stage::Founded)))
        }
        Some(_) => Err(FoundingError::MemoryLost {
            address: address.to_owned(),
            cluster,
            node,
        }),
    }
}

/// Nobody whom this node hears has a record.
fn found(own: &Introduction, answers: &[Answer], new_id: ClusterId) -> Decision {
    let mut members = Vec::new();
    for answer in answers {
        let address = &answer.address;
        match &answer.introduction {
            Ok(seed) => {
                let address = seed.address.as_ref().unwrap_or(address);
                members.push(Member::active(seed.node, address.clone()));
            }
            Err(reason) => return Decision::Wait(waiting_for(address, reason)),
        }
    }
    if let Some(reason) = disagreement(own, answers) {
        return Decision::Wait(reason);
    }
    if answers.is_empty() {
        let address = own.address.clone().unwrap_or_default();
        members.push(Member::active(own.node, address));
    }
    members.sort_by_key(|member| member.node);
    let founder = members[0].node;
    if founder != own.node {
        return Decision::Wait(format!("node {} founds the cluster", founder));
    }
    let stage = match members.len() {
        1 => Stage::Founded,
        _ => Stage::Founding,
    };
    Decision::Write(ClusterRecord {
        cluster_id: new_id,
        members,
        shard_count: own.shard_count,
        founder,
        stage,
        roster_version: 0,
    })
}

fn waiting_for(address: &str, reason: &str) -> String {
    format!("waiting for seed {address}: {reason}")
}
