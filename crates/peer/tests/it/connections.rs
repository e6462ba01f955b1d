use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use squorum_peer::{CallError, Connection, Lane, PAUSE_MAX};
use squorum_types::NodeId;
use tonic::Code;

use crate::echo::{CLUSTER, Node, PATIENCE, Switch, ask, ask_within, peers, peers_over};

/// Asks until there is an answer.
async fn ask_until_answered(connection: &Connection, timeout: Duration) -> u32 {
    let started = Instant::now();
    for attempts in 1.. {
        if ask_within(connection, "/test.Echo/Ask", "hello", timeout)
            .await
            .is_ok()
        {
            return attempts;
        }
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    unreachable!()
}

#[tokio::test]
async fn a_node_that_restarts_is_found_again() {
    let node = Node::start(2, Some(CLUSTER)).await;
    let address = node.address;
    let peers = peers(1, Some(CLUSTER));
    peers.set_address(NodeId(2), address.to_string());
    let connection = peers.connection(NodeId(2), Lane::Request).unwrap();
    ask(&connection, "hello").await.unwrap();

    // It restarts between two calls: nobody notices.
    node.stop().await;
    let node = Node::start_at(2, Some(CLUSTER), address).await;
    ask(&connection, "hello").await.unwrap();

    // It is away, however often it is called: a pause, no more.
    node.stop().await;
    for _ in 0..200 {
        let error = ask(&connection, "hello").await.unwrap_err();
        assert!(!error.may_have_been_processed(), "{error}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let node = Node::start_at(2, Some(CLUSTER), address).await;
    tokio::time::sleep(PAUSE_MAX).await;
    ask(&connection, "hello").await.unwrap();
    assert_eq!(node.echo.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_address_that_changes_is_followed() {
    let first = Node::start(2, Some(CLUSTER)).await;
    let second = Node::start(2, Some(CLUSTER)).await;
    let switch = Switch::default();
    let peers = peers_over(1, Some(CLUSTER), Arc::new(switch.clone()));
    peers.set_address(NodeId(2), first.address.to_string());
    let connection = peers.connection(NodeId(2), Lane::Request).unwrap();
    for _ in 0..3 {
        ask(&connection, "hello").await.unwrap();
        peers.set_address(NodeId(2), first.address.to_string());
    }
    assert_eq!(switch.dials.load(Ordering::SeqCst), 1);
    peers.set_address(NodeId(2), second.address.to_string());
    ask(&connection, "hello").await.unwrap();
    assert_eq!(second.echo.calls.load(Ordering::SeqCst), 1);
}

/// A stopped process accepts connections and says nothing. Neither does its old connection starve
/// the calls after it has come back, nor is it dialled without end.
#[tokio::test]
async fn a_silent_connection_is_replaced() {
    let node = Node::start(2, Some(CLUSTER)).await;
    let switch = Switch::default();
    switch.is_deaf.store(true, Ordering::SeqCst);
    let peers = peers_over(1, Some(CLUSTER), Arc::new(switch.clone()));
    peers.set_address(NodeId(2), node.address.to_string());
    let connection = peers.connection(NodeId(2), Lane::Control).unwrap();
    let short = Duration::from_millis(10);
    let dials = || switch.dials.load(Ordering::SeqCst);
    let started = Instant::now();
    let mut late = 0;
    while started.elapsed() < Duration::from_millis(500) || dials() < 2 {
        assert!(started.elapsed() < PATIENCE, "it is not replaced");
        match ask_within(&connection, "/test.Echo/Ask", "hello", short).await {
            Err(CallError::TimedOut { .. }) => late += 1,
            Err(error) => assert!(!error.may_have_been_processed(), "{error}"),
            Ok(answer) => panic!("{answer}"),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Pauses double, so that the sixth dial comes after 310 ms; from then on each is the longest.
    let longest = started.elapsed().as_millis() / PAUSE_MAX.as_millis();
    let dials = dials();
    assert!(u128::from(dials) <= 6 + longest, "{dials} dials");
    assert!(late >= dials, "every connection got its chance");

    switch.is_deaf.store(false, Ordering::SeqCst);
    ask_until_answered(&connection, PATIENCE).await;
}

/// Nobody sets a deadline, yet the call ends: the peer does not answer pings.
#[tokio::test]
async fn pings_find_a_silent_peer() {
    let switch = Switch::default();
    switch.is_deaf.store(true, Ordering::SeqCst);
    let peers = peers_over(1, Some(CLUSTER), Arc::new(switch.clone()));
    peers.set_address(NodeId(2), "127.0.0.1:1".to_string());
    let connection = peers.connection(NodeId(2), Lane::Append).unwrap();
    let error = ask(&connection, "hello").await.unwrap_err();
    assert!(error.may_have_been_processed(), "{error}");
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_deadline_ends_one_call_and_spares_the_others() {
    let node = Node::start(2, Some(CLUSTER)).await;
    let switch = Switch::default();
    let peers = peers_over(1, Some(CLUSTER), Arc::new(switch.clone()));
    peers.set_address(NodeId(2), node.address.to_string());
    let connection = peers.connection(NodeId(2), Lane::Request).unwrap();
    ask(&connection, "hello").await.unwrap();
    let other = tokio::spawn({
        let connection = connection.clone();
        async move {
            ask_within(
                &connection,
                "/test.Echo/Ask",
                "sleep",
                Duration::from_millis(400),
            )
            .await
        }
    });
    let short = Duration::from_millis(50);
    let error = ask_within(&connection, "/test.Echo/Ask", "sleep", short)
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
    assert!(error.may_have_been_processed());
    // The next call has a new connection, the one that is under way keeps the old.
    ask_until_answered(&connection, PATIENCE).await;
    assert_eq!(switch.dials.load(Ordering::SeqCst), 2);
    let error = other.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_refusal_keeps_the_connection() {
    let node = Node::start(2, Some(CLUSTER)).await;
    let switch = Switch::default();
    let peers = peers_over(1, Some(CLUSTER), Arc::new(switch.clone()));
    peers.set_address(NodeId(2), node.address.to_string());
    let connection = peers.connection(NodeId(2), Lane::Request).unwrap();
    for _ in 0..3 {
        let error = ask(&connection, "refuse").await.unwrap_err();
        match error {
            CallError::Refused { code, message } => {
                assert_eq!(
                    (code, message.as_str()),
                    (Code::ResourceExhausted, "as asked for")
                );
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(switch.dials.load(Ordering::SeqCst), 1);
}

/// A node that ends lets calls go on for a moment, but no call holds it up.
#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let node = Node::start(2, Some(CLUSTER)).await;
    let peers = peers(1, Some(CLUSTER));
    peers.set_address(NodeId(2), node.address.to_string());
    let connection = peers.connection(NodeId(2), Lane::Request).unwrap();
    let sleeping = tokio::spawn(async move { ask(&connection, "sleep").await });
    while node.echo.calls.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::timeout(PATIENCE / 2, node.stop())
        .await
        .unwrap();
    let error = sleeping.await.unwrap().unwrap_err();
    assert!(error.may_have_been_processed(), "{error}");
}
