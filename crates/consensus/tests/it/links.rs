//! The network between the nodes of a test: every link can be cut, each direction for itself, and
//! slowed down.
//!
//! A cut link loses nothing and breaks no connection, as with TCP: bytes wait until it is healed.
//! New connections need both directions. A node that is killed breaks all its connections.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::Stream;
use parking_lot::Mutex;
use squorum_peer::{BoxedIo, Dialer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) is_cut: bool,
    pub(crate) delay: Duration,
    /// A connection breaks after so many bytes in this direction.
    pub(crate) bytes_max: Option<u64>,
}

#[derive(Default)]
pub(crate) struct Links {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    links: BTreeMap<(u64, u64), watch::Sender<Link>>,
    listeners: BTreeMap<u64, mpsc::UnboundedSender<io::Result<BoxedIo>>>,
    connections: Vec<(u64, u64, AbortHandle)>,
    broken: u64,
}

impl Links {
    pub(crate) fn set(&self, from: u64, to: u64, change: impl FnOnce(&mut Link)) {
        let mut state = self.state.lock();
        state
            .links
            .entry((from, to))
            .or_default()
            .send_modify(change);
    }

    pub(crate) fn cut(&self, from: u64, to: u64) {
        self.set(from, to, |link| link.is_cut = true);
    }

    /// Cuts a node off from the others, both ways.
    pub(crate) fn isolate(&self, node: u64, others: impl IntoIterator<Item = u64>) {
        for other in others {
            if other != node {
                self.cut(node, other);
                self.cut(other, node);
            }
        }
    }

    pub(crate) fn heal(&self) {
        for link in self.state.lock().links.values() {
            link.send_replace(Link::default());
        }
    }

    /// Connections that broke because of their length.
    pub(crate) fn broken(&self) -> u64 {
        self.state.lock().broken
    }

    fn watch(&self, from: u64, to: u64) -> watch::Receiver<Link> {
        let mut state = self.state.lock();
        state.links.entry((from, to)).or_default().subscribe()
    }

    /// What arrives at a node, until it is killed.
    pub(crate) fn listen(
        &self,
        node: u64,
    ) -> impl Stream<Item = io::Result<BoxedIo>> + Send + use<> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.state.lock().listeners.insert(node, sender);
        futures::stream::unfold(receiver, async |mut receiver| {
            let io = receiver.recv().await?;
            Some((io, receiver))
        })
    }

    pub(crate) fn kill(&self, node: u64) {
        let mut state = self.state.lock();
        state.listeners.remove(&node);
        state.connections.retain(|(from, to, task)| {
            let concerns = *from == node || *to == node;
            if concerns {
                task.abort();
            }
            !concerns && !task.is_finished()
        });
    }

    fn connect(self: &Arc<Self>, from: u64, to: u64) -> io::Result<BoxedIo> {
        let (near, near_end) = tokio::io::duplex(1 << 16);
        let (far, far_end) = tokio::io::duplex(1 << 16);
        let mut state = self.state.lock();
        let listener = state.listeners.get(&to);
        let listener = listener.ok_or(io::ErrorKind::ConnectionRefused)?;
        if listener.send(Ok(Box::new(far))).is_err() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (there, back) = ((near_end, far_end), (from, to));
        let relay = tokio::spawn(relay_both(Arc::clone(self), there, back));
        state.connections.push((from, to, relay.abort_handle()));
        Ok(Box::new(near))
    }
}

async fn relay_both(links: Arc<Links>, ends: (DuplexStream, DuplexStream), nodes: (u64, u64)) {
    let (near_reader, near_writer) = tokio::io::split(ends.0);
    let (far_reader, far_writer) = tokio::io::split(ends.1);
    let there = relay(near_reader, far_writer, links.watch(nodes.0, nodes.1));
    let back = relay(far_reader, near_writer, links.watch(nodes.1, nodes.0));
    let too_long = tokio::select! {
        too_long = there => too_long,
        too_long = back => too_long,
    };
    if too_long {
        links.state.lock().broken += 1;
    }
}

/// True if the connection broke because of its length.
async fn relay(
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    mut link: watch::Receiver<Link>,
) -> bool {
    let mut buffer = vec![0; 1 << 14];
    let mut bytes = 0;
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            return false;
        };
        bytes += read as u64;
        let delay = link.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if link.wait_for(|link| !link.is_cut).await.is_err() {
            return false;
        }
        if link.borrow().bytes_max.is_some_and(|max| bytes > max) {
            return true;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return false;
        }
    }
}

/// Dials for one node. An address is a node's number.
pub(crate) struct LinkDialer {
    pub(crate) links: Arc<Links>,
    pub(crate) from: u64,
}

impl Dialer for LinkDialer {
    fn dial(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedIo>> {
        let to: u64 = address.parse().unwrap();
        let (links, from) = (Arc::clone(&self.links), self.from);
        async move {
            for (from, to) in [(from, to), (to, from)] {
                let mut link = links.watch(from, to);
                let open = link.wait_for(|link| !link.is_cut).await;
                open.map(|_| ()).map_err(io::Error::other)?;
            }
            links.connect(from, to)
        }
        .boxed()
    }
}
