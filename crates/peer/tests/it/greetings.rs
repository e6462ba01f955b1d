use squorum_peer::{CallError, Lane};
use squorum_types::NodeId;
use tonic::Code;

use crate::echo::{CLUSTER, Node, ask, ask_as_anyone, peers};

fn refusal(result: Result<String, CallError>) -> String {
    match result {
        Err(CallError::Refused {
            code: Code::FailedPrecondition,
            message,
        }) => message,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn members_reach_each_other_and_know_who_calls() {
    let node = Node::start(2, Some(CLUSTER)).await;
    let peers = peers(1, Some(CLUSTER));
    assert!(peers.connection(NodeId(2), Lane::Control).is_err());
    peers.set_address(NodeId(2), node.address.to_string());
    for lane in [Lane::Control, Lane::Append, Lane::Snapshot, Lane::Request] {
        let connection = peers.connection(NodeId(2), lane).unwrap();
        assert_eq!(ask(&connection, "hello").await.unwrap(), "1:hello");
    }
}

#[tokio::test]
async fn strangers_reach_only_what_is_for_anyone() {
    let node = Node::start(2, Some(CLUSTER)).await;
    let address = node.address.to_string();
    let foreign = peers(1, Some([8; 16]));
    foreign.set_address(NodeId(2), address.clone());
    let connection = foreign.connection(NodeId(2), Lane::Request).unwrap();
    assert!(refusal(ask(&connection, "hello").await).contains("in cluster"));
    assert_eq!(
        ask_as_anyone(&connection, "hello").await.unwrap(),
        "1:hello"
    );

    let homeless = peers(3, None);
    let connection = homeless.connection_to(&address);
    assert!(refusal(ask(&connection, "hello").await).contains("in no cluster"));
    assert_eq!(
        ask_as_anyone(&connection, "hello").await.unwrap(),
        "3:hello"
    );
    // Once it has joined, the same connection counts as a member's, but it does not say whom it
    // means.
    homeless.set_cluster(CLUSTER);
    assert!(refusal(ask(&connection, "hello").await).contains("whom it calls"));
}

#[tokio::test]
async fn a_call_for_another_node_is_refused() {
    let node = Node::start(2, Some(CLUSTER)).await;
    let misled = peers(1, Some(CLUSTER));
    misled.set_address(NodeId(9), node.address.to_string());
    let connection = misled.connection(NodeId(9), Lane::Request).unwrap();
    assert!(refusal(ask(&connection, "hello").await).contains("this is node 0000000000000002"));
    assert!(
        refusal(ask_as_anyone(&connection, "hello").await)
            .contains("this is node 0000000000000002")
    );
    assert_eq!(node.echo.calls.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_former_member_is_refused_and_told_so() {
    let node = Node::start(2, Some(CLUSTER)).await;
    let former = peers(1, Some(CLUSTER));
    former.set_address(NodeId(2), node.address.to_string());
    let connection = former.connection(NodeId(2), Lane::Request).unwrap();
    assert_eq!(ask(&connection, "hello").await.unwrap(), "1:hello");
    node.peers.set_address(NodeId(1), "there:1".to_owned());
    node.peers.expel(NodeId(1));
    assert_eq!(node.peers.address(NodeId(1)), None);
    let refused = ask(&connection, "hello").await.unwrap_err();
    assert!(refused.is_expelled(), "{refused}");
    // It may still ask who is there.
    let answer = ask_as_anyone(&connection, "hello").await;
    assert_eq!(answer.unwrap(), "1:hello");
}
