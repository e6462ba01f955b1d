use std::time::{Duration, Instant};

use squorum_node::{ClusterStatus, MembershipStatus};

use crate::admin_client::{AdminUrl, AskError};
use crate::status;

const INTERVAL: Duration = Duration::from_millis(500);
/// The node that is asked may be away for a while, but not for ever.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What a node is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Active,
    Gone,
}

/// Says how far it is until the goal is reached. Ends without it only if nobody answers any more.
pub(super) fn follow(admin: &AdminUrl, node: &str, goal: Goal) -> Result<(), AskError> {
    let mut said = String::new();
    let mut heard = Instant::now();
    let mut asks_who_leaves = false;
    let mut was_member = false;
    loop {
        match status::ask::<ClusterStatus>(admin, "/status") {
            Ok((_, status)) => {
                heard = Instant::now();
                let (line, is_done) = progress(&status, node, goal);
                if line != said {
                    println!("{line}");
                    said = line;
                }
                if is_done {
                    return Ok(());
                }
                let member = status.nodes.iter().find(|member| member.id == node);
                let is_leaving = member.is_some_and(|m| m.membership == MembershipStatus::Leaving);
                let is_gone = was_member && member.is_none() && !status.nodes.is_empty();
                if goal == Goal::Active && (is_leaving || is_gone) {
                    let reason = format!("node {node} was taken out meanwhile");
                    return Err(AskError::Refused(reason));
                }
                was_member |= member.is_some();
                asks_who_leaves = is_leaving && status.this_node.as_deref() == Some(node);
            }
            // It cannot say itself that it has gone.
            Err(_) if goal == Goal::Gone && asks_who_leaves => {
                println!("node {node} has ended; another member says whether it has left");
                return Ok(());
            }
            Err(error) if heard.elapsed() > SILENCE_MAX => return Err(error),
            Err(_) => {}
        }
        std::thread::sleep(INTERVAL);
    }
}

/// One line, and whether the goal is reached.
fn progress(status: &ClusterStatus, node: &str, goal: Goal) -> (String, bool) {
    let member = status.nodes.iter().find(|member| member.id == node);
    let votes = status.groups.iter().filter(|group| {
        let mut replicas = group.replicas.iter();
        replicas.any(|replica| replica.node == node && replica.votes)
    });
    let (votes, all) = (votes.count(), status.groups.len());
    match (goal, member) {
        (Goal::Active, Some(member)) if member.membership == MembershipStatus::Active => (
            format!("node {node} is a member: a voter of all {all} groups"),
            true,
        ),
        (Goal::Active, Some(_)) => (
            format!("node {node} is joining: a voter of {votes} of {all} groups"),
            false,
        ),
        (Goal::Active, None) => (format!("node {node} is being taken in"), false),
        (Goal::Gone, Some(_)) => (
            format!("node {node} is leaving: still a voter of {votes} of {all} groups"),
            false,
        ),
        // A node that is starting knows of no members.
        (Goal::Gone, None) if status.nodes.is_empty() => {
            ("the node that is asked is starting".to_owned(), false)
        }
        (Goal::Gone, None) => (format!("node {node} has left the cluster"), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::tests::{IDS, well};

    #[test]
    fn a_node_has_arrived_when_it_is_active_and_is_gone_when_nobody_knows_it() {
        let mut status = well();
        let node = IDS[2];
        assert!(progress(&status, node, Goal::Active).1);
        assert!(!progress(&status, node, Goal::Gone).1);
        status.nodes[2].membership = MembershipStatus::Joining;
        status.groups[0].replicas[2].votes = false;
        let (line, is_done) = progress(&status, node, Goal::Active);
        assert!(!is_done && line.ends_with("joining: a voter of 1 of 2 groups"));
        status.nodes.pop();
        assert!(!progress(&status, node, Goal::Active).1);
        assert!(progress(&status, node, Goal::Gone).1);
        status.nodes.clear();
        assert!(!progress(&status, node, Goal::Gone).1);
    }
}
