//! What nodes say of themselves adds up to what was done.

use std::time::Instant;

use squorum_node::Observation;

use crate::cluster::{Client, Cluster, NODES, PATIENCE, block_on};

fn observe_all(cluster: &Cluster) -> Vec<Observation> {
    (0..NODES)
        .map(|index| cluster.node(index).observe())
        .collect()
}

fn sum(observations: &[Observation], figure: impl Fn(&Observation) -> u64) -> u64 {
    observations.iter().map(figure).sum()
}

/// Followers hear of an entry soon after it is acknowledged.
fn until(cluster: &Cluster, what: &str, holds: impl Fn(&[Observation]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let observations = observe_all(cluster);
        if holds(&observations) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {observations:#?}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn the_sum_over_all_nodes_is_the_cluster() {
    const SENT: u64 = 40;
    let cluster = Cluster::start();
    let client = Client(cluster.node(0));
    block_on(async {
        let queue = client.create("orders").await;
        for number in 0..SENT {
            client.send(&queue, "", &number.to_string()).await.unwrap();
        }
        let received = client.receive(&queue, 0, "").await.unwrap();
        assert!(!received.is_empty());
        client.delete(&queue, &received[..1]).await.unwrap();
    });
    let left = SENT - 1;
    until(&cluster, "every message is counted once", |nodes| {
        sum(nodes, |node| {
            node.messages.visible + node.messages.in_flight
        }) == left
            && sum(nodes, |node| node.messages.in_flight) > 0
            && nodes.iter().any(|node| !node.messages.oldest_age.is_zero())
    });
    until(&cluster, "every replica has applied everything", |nodes| {
        let proposed = sum(nodes, |node| node.commands.commands_proposed);
        let applied_everywhere = |node: &Observation| node.commands.commands_applied == proposed;
        proposed > SENT && nodes.iter().all(applied_everywhere)
    });
    until(&cluster, "every group has one leader and no lag", |nodes| {
        (0..nodes[0].groups.len()).all(|group| {
            let of_group = nodes.iter().map(|node| &node.groups[group]);
            let replicas = of_group.clone().flat_map(|group| &group.replicas);
            of_group.clone().filter(|group| group.leads).count() == 1
                && of_group.clone().all(|group| group.leader_changes > 0)
                && replicas.clone().count() == NODES - 1
                && replicas.clone().all(|replica| replica.entries == 0)
        })
    });
    // A node serves before it has heard every member.
    until(&cluster, "everybody hears everybody", |nodes| {
        let mut members = nodes.iter().map(|node| &node.members);
        members.all(|members| (members.all, members.alive) == (NODES, NODES))
    });
    for node in observe_all(&cluster) {
        assert!(node.log.syncs > 0 && node.log.sync_times.total() > 0);
    }
}

#[test]
fn a_poll_that_waits_is_seen_and_one_that_ends_is_not() {
    let cluster = Cluster::start();
    let client = Client(cluster.node(1));
    let queue = block_on(client.create("orders"));
    let waiting = std::thread::spawn({
        let (client, queue) = (client.clone(), queue.clone());
        move || block_on(client.receive(&queue, 20, "")).unwrap().len()
    });
    until(&cluster, "a poll waits", |nodes| {
        let waiting = nodes.iter().map(|node| node.admission.polls_waiting);
        waiting.eq([0, 1, 0])
    });
    block_on(client.send(&queue, "", "body")).unwrap();
    assert_eq!(waiting.join().unwrap(), 1);
    let waiting = sum(&observe_all(&cluster), |node| node.admission.polls_waiting);
    assert_eq!(waiting, 0);
}

#[test]
fn a_death_is_seen_by_those_who_survive() {
    let mut cluster = Cluster::start();
    let before = observe_all(&cluster);
    let leads = |node: &Observation| node.groups.iter().filter(|group| group.leads).count();
    let victim = (0..NODES)
        .max_by_key(|index| leads(&before[*index]))
        .unwrap();
    cluster.kill(victim);
    let survivors: Vec<_> = (0..NODES).filter(|index| *index != victim).collect();
    let deadline = Instant::now() + PATIENCE;
    let is_seen = |index: usize| {
        let now = cluster.node(index).observe();
        let changed = now.groups.iter().zip(&before[victim].groups);
        let mut changed = changed.filter(|(_, group)| group.leads);
        let past = &before[index].groups;
        now.members.alive == NODES - 1
            && changed.all(|(group, _)| {
                let past = past.iter().find(|past| past.name == group.name);
                past.is_some_and(|past| group.leader_changes > past.leader_changes)
            })
    };
    while !survivors.iter().all(|index| is_seen(*index)) {
        assert!(Instant::now() < deadline, "the death is not seen");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
