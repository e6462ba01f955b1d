//! Meta's leader brings members from one state to the next, and takes those in that come back under
//! a new id by themselves.

use std::collections::BTreeMap;

use squorum_meta::command::AdmitNode;
use squorum_meta::{Command, MemberState, Roster, plan};
use squorum_store::Store;
use squorum_types::{GroupId, GroupMembership, NodeId};

use super::Membership;
use crate::cluster::{Candidate, NodeReport};

impl<S: Store> Membership<S> {
    pub(super) async fn take_steps(&self) {
        if !self.meta.group.can_serve_locally() {
            return;
        }
        let roster = self.roster.get();
        let Some(command) = self.next_step(&roster).or_else(|| self.return_of(&roster)) else {
            return;
        };
        if let Err(error) = self.meta.propose(&command).await {
            tracing::info!(%error, "members of the cluster are not changed yet");
        }
    }

    fn next_step(&self, roster: &Roster) -> Option<Command> {
        let mut states = roster.members.iter().map(|member| member.state);
        if states.all(|state| state == MemberState::Active) {
            return None;
        }
        let own = self.reporter.report();
        let count = 1 + self.shards.len();
        let reports = roster.members.iter().filter_map(|member| {
            let is_alive = self.view.is_alive(member.node);
            self.view.report(member.node).filter(|_| is_alive)
        });
        let reports: Vec<_> = reports.collect();
        let heard = reports.iter().map(|report| report.node).collect();
        let others = reports.iter().map(|report| report.as_ref());
        let groups = memberships(others.chain([&own]));
        let advance = plan::next_step(roster, &groups, count, &heard)?;
        let (node, from) = (advance.node, advance.from);
        tracing::info!(%node, ?from, "member goes on to its next state");
        Some(Command::AdvanceMember(advance))
    }

    /// A member that has lost what it had promised says so, where it was: it needs nobody's word.
    fn return_of(&self, roster: &Roster) -> Option<Command> {
        let waiting = self.introducer.candidates().waiting();
        let returned = |candidate: &Candidate| {
            let old = roster.member(candidate.replaces?)?;
            let was_there = old.address == candidate.address
                || self.view_address(old.node).as_ref() == Some(&candidate.address);
            let is_new = roster.member(candidate.node).is_none()
                && !roster.is_removed(candidate.node)
                && roster.replacement_of(old.node).is_none();
            (was_there && is_new && !self.view.is_alive(old.node)).then(|| {
                let (node, lost) = (candidate.node, old.node);
                tracing::info!(%node, %lost, "member that has lost its data comes back");
                Command::AdmitNode(AdmitNode {
                    node,
                    address: candidate.address.clone(),
                    replaces: Some(lost),
                })
            })
        };
        waiting.iter().find_map(returned)
    }

    /// Where a member said that it is.
    fn view_address(&self, node: NodeId) -> Option<String> {
        self.view.report(node)?.address.clone()
    }
}

/// What the leader of each group says; of several that think they lead, the newest.
fn memberships<'a>(
    reports: impl Iterator<Item = &'a NodeReport>,
) -> BTreeMap<GroupId, GroupMembership> {
    let mut newest: BTreeMap<GroupId, (u64, &GroupMembership)> = BTreeMap::new();
    for report in reports {
        let led = report.groups.iter();
        let led = led.filter(|group| group.leader == Some(report.node));
        // An earlier version does not say who takes part.
        for group in led.filter(|group| !group.membership.voters.is_empty()) {
            let known = newest.get(&group.group);
            if known.is_none_or(|(term, _)| *term < group.term) {
                newest.insert(group.group, (group.term, &group.membership));
            }
        }
    }
    let newest = newest.into_iter();
    newest
        .map(|(group, (_, membership))| (group, membership.clone()))
        .collect()
}
