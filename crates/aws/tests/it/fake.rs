//! A [`QueueService`] in memory: just enough to answer, with everything that reached it recorded.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use squorum_types::service::{
    ChangeVisibilityEntry, CreateQueue, Delivery, ListQueues, MessageError, MoveFailure,
    MoveStatus, MoveTask, Page, QueueCounters, QueueDescription, QueueInfo, QueueList,
    QueueService, ReceiveRequest, ReceivedMessage, SendEntry, SentMessage, ServiceError, StartMove,
};
use squorum_types::{
    AccountId, AttributeChanges, Caller, Entropy, MessageId, Permission, PermissionRefusal,
    QueueId, QueueName, QueueTags, Timestamp,
};
use tokio::sync::Notify;

/// Name of a queue that makes a handler panic.
pub(crate) const PANIC_QUEUE: &str = "panic";

#[derive(Default)]
pub(crate) struct Fake {
    state: Mutex<State>,
    sent: Notify,
    pub(crate) counts: Arc<Counts>,
}

/// What happened to receives.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) parked: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
    pub(crate) confirmed: AtomicUsize,
    pub(crate) undone: AtomicUsize,
}

type Key = (String, String, String);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) queues: BTreeMap<Key, Queue>,
    /// Entries of the last send.
    pub(crate) sent: Vec<SendEntry>,
    pub(crate) received: Option<ReceiveRequest>,
    pub(crate) caller: Option<Caller>,
    pub(crate) changes: Vec<ChangeVisibilityEntry>,
    /// The next call fails with this.
    pub(crate) failure: Option<ServiceError>,
    /// The next permission is refused so.
    pub(crate) permission_failure: Option<ServiceError>,
    /// Every message of the next call fails with this.
    pub(crate) message_failure: Option<MessageError>,
    next: u64,
}

pub(crate) struct Queue {
    info: Arc<QueueInfo>,
    visible: VecDeque<ReceivedMessage>,
    in_flight: BTreeMap<String, ReceivedMessage>,
    tags: QueueTags,
    pub(crate) permissions: Vec<Permission>,
}

fn key(info: &QueueInfo) -> Key {
    let text = (
        info.account.as_str(),
        info.region.as_str(),
        info.name.as_str(),
    );
    (text.0.to_owned(), text.1.to_owned(), text.2.to_owned())
}

impl Fake {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn begin(&self, caller: &Caller) -> Result<MutexGuard<'_, State>, ServiceError> {
        let mut state = self.state();
        state.caller = Some(caller.clone());
        match state.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(state),
        }
    }
}

impl State {
    fn page_of(
        &self,
        caller: &Caller,
        page: &Page,
        chosen: impl Fn(&QueueInfo) -> bool,
    ) -> QueueList {
        let after = page.after.as_ref().map_or("", QueueName::as_str);
        let mut queues: Vec<_> = self
            .queues
            .values()
            .map(|queue| queue.info.clone())
            .filter(|info| info.account == caller.account && info.region == caller.region)
            .filter(|info| info.name.as_str() > after && chosen(info))
            .collect();
        let more = queues.len() > page.count_max;
        queues.truncate(page.count_max);
        QueueList { queues, more }
    }

    fn queue(&mut self, info: &QueueInfo) -> Result<&mut Queue, ServiceError> {
        self.queues
            .get_mut(&key(info))
            .ok_or(ServiceError::QueueDoesNotExist)
    }

    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// Counts a receive that is dropped while it waits.
struct Parked(Arc<Counts>);

impl Parked {
    fn new(counts: &Arc<Counts>) -> Parked {
        counts.parked.fetch_add(1, Ordering::SeqCst);
        Parked(counts.clone())
    }

    fn end(self) {
        self.0.parked.fetch_sub(1, Ordering::SeqCst);
        std::mem::forget(self);
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.0.parked.fetch_sub(1, Ordering::SeqCst);
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// Counts a delivery as confirmed if it is let go without being undone.
struct Undo(Arc<Counts>);

impl Undo {
    fn undo(self) {
        self.0.undone.fetch_add(1, Ordering::SeqCst);
        std::mem::forget(self);
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        self.0.confirmed.fetch_add(1, Ordering::SeqCst);
    }
}

impl QueueService for Fake {
    async fn create_queue(
        &self,
        caller: &Caller,
        request: CreateQueue,
    ) -> Result<Arc<QueueInfo>, ServiceError> {
        let mut state = self.begin(caller)?;
        let id = state.next();
        let info = Arc::new(QueueInfo {
            id: QueueId(id),
            account: caller.account.clone(),
            region: caller.region.clone(),
            name: request.name,
            version: 1,
            attributes: request.attributes,
            deduplicates_by_group: false,
            partition_count: 1,
            created_at: Timestamp(1_700_000_000_123),
            modified_at: Timestamp(1_700_000_000_123),
        });
        let queue = state.queues.entry(key(&info)).or_insert(Queue {
            info,
            visible: VecDeque::new(),
            in_flight: BTreeMap::new(),
            tags: request.tags,
            permissions: Vec::new(),
        });
        Ok(queue.info.clone())
    }

    async fn find_queue(
        &self,
        caller: &Caller,
        account: &AccountId,
        name: &QueueName,
    ) -> Result<Arc<QueueInfo>, ServiceError> {
        assert!(name.as_str() != PANIC_QUEUE, "as the test wants it");
        let state = self.begin(caller)?;
        let key = (
            account.as_str().to_owned(),
            caller.region.as_str().to_owned(),
            name.as_str().to_owned(),
        );
        let queue = state
            .queues
            .get(&key)
            .ok_or(ServiceError::QueueDoesNotExist)?;
        Ok(queue.info.clone())
    }

    async fn list_queues(
        &self,
        caller: &Caller,
        request: ListQueues,
    ) -> Result<QueueList, ServiceError> {
        let state = self.begin(caller)?;
        Ok(state.page_of(caller, &request.page, |info| {
            info.name.as_str().starts_with(&request.prefix)
        }))
    }

    async fn list_dead_letter_sources(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        page: Page,
    ) -> Result<QueueList, ServiceError> {
        let state = self.begin(caller)?;
        Ok(state.page_of(caller, &page, |info| {
            let policy = info.attributes.redrive_policy.as_ref();
            policy.is_some_and(|policy| policy.target == queue.arn())
        }))
    }

    async fn start_move(
        &self,
        _caller: &Caller,
        _queue: &Arc<QueueInfo>,
        start: StartMove,
    ) -> Result<MoveTask, ServiceError> {
        Ok(MoveTask {
            id: [7; 16],
            number: 1,
            destination: start.destination,
            messages_per_second_max: start.messages_per_second_max,
            status: MoveStatus::Running,
            to_move: 5,
            moved: 2,
            started_at: Timestamp(1_700_000_000_000),
        })
    }

    async fn list_moves(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<Vec<MoveTask>, ServiceError> {
        let start = StartMove {
            destination: None,
            messages_per_second_max: None,
        };
        let running = self.start_move(caller, queue, start).await?;
        let failed = MoveTask {
            status: MoveStatus::Failed(MoveFailure::NoSuchQueue),
            destination: Some(queue.arn()),
            messages_per_second_max: Some(9),
            ..running
        };
        Ok(vec![running, failed])
    }

    async fn cancel_move(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        task_id: [u8; 16],
    ) -> Result<MoveTask, ServiceError> {
        let mut tasks = self.list_moves(caller, queue).await?.into_iter();
        let task = tasks.find(|task| task.id == task_id);
        task.ok_or(ServiceError::MoveDoesNotExist)
    }

    async fn delete_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<(), ServiceError> {
        let mut state = self.begin(caller)?;
        let removed = state.queues.remove(&key(queue));
        removed.map(|_| ()).ok_or(ServiceError::QueueDoesNotExist)
    }

    async fn describe_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<QueueDescription, ServiceError> {
        let mut state = self.begin(caller)?;
        let queue = state.queue(queue)?;
        let counters = QueueCounters {
            visible: queue.visible.len() as u64,
            in_flight: queue.in_flight.len() as u64,
            delayed: 0,
        };
        Ok(QueueDescription {
            info: (*queue.info).clone(),
            counters,
        })
    }

    async fn set_queue_attributes(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        changes: AttributeChanges,
    ) -> Result<(), ServiceError> {
        let mut state = self.begin(caller)?;
        let queue = state.queue(queue)?;
        if let Some(conflict) = changes.conflict_with(&queue.info.attributes) {
            return Err(ServiceError::AttributesConflict(conflict));
        }
        changes.apply_to(&mut Arc::make_mut(&mut queue.info).attributes);
        Ok(())
    }

    async fn tag_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        tags: QueueTags,
    ) -> Result<(), ServiceError> {
        self.begin(caller)?.queue(queue)?.tags.extend(tags);
        Ok(())
    }

    async fn untag_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        keys: Vec<String>,
    ) -> Result<(), ServiceError> {
        let mut state = self.begin(caller)?;
        let tags = &mut state.queue(queue)?.tags;
        tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    async fn list_queue_tags(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<QueueTags, ServiceError> {
        Ok(self.begin(caller)?.queue(queue)?.tags.clone())
    }

    async fn add_permission(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        permission: Permission,
    ) -> Result<(), ServiceError> {
        let mut state = self.begin(caller)?;
        if let Some(failure) = state.permission_failure.take() {
            return Err(failure);
        }
        state.queue(queue)?.permissions.push(permission);
        Ok(())
    }

    async fn remove_permission(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        label: String,
    ) -> Result<(), ServiceError> {
        let mut state = self.begin(caller)?;
        let permissions = &mut state.queue(queue)?.permissions;
        let position = permissions.iter().position(|it| it.label == label);
        let refusal = PermissionRefusal::LabelMissing;
        let position = position.ok_or(ServiceError::PermissionRefused { label, refusal })?;
        permissions.remove(position);
        Ok(())
    }

    async fn purge_queue(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
    ) -> Result<(), ServiceError> {
        let mut state = self.begin(caller)?;
        let queue = state.queue(queue)?;
        queue.visible.clear();
        queue.in_flight.clear();
        Ok(())
    }

    async fn send(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        entries: Vec<SendEntry>,
    ) -> Result<Vec<Result<SentMessage, MessageError>>, ServiceError> {
        let mut state = self.begin(caller)?;
        state.sent = entries.clone();
        let failure = state.message_failure.take();
        let mut results = Vec::new();
        for entry in entries {
            if let Some(failure) = &failure {
                results.push(Err(failure.clone()));
                continue;
            }
            let number = state.next();
            let id = MessageId::from_random(u128::from(number).to_be_bytes());
            let sequence_number = queue
                .attributes
                .is_fifo()
                .then(|| 18_800_000_000_000_000_000 + u128::from(number));
            let message = ReceivedMessage {
                id,
                receipt_handle: String::new(),
                body: entry.body,
                body_md5: entry.body_md5,
                attributes: entry.attributes,
                sender_id: "AIDSENDER".to_owned(),
                sent_at: Timestamp(1_700_000_000_456),
                first_received_at: Timestamp(0),
                receive_count: 0,
                sequence_number,
                group_id: entry.group_id,
                deduplication_id: entry.deduplication_id,
                trace_header: entry.trace_header,
                dead_letter_source: String::new(),
            };
            state.queue(queue)?.visible.push_back(message);
            results.push(Ok(SentMessage {
                id,
                sequence_number,
            }));
        }
        self.sent.notify_waiters();
        Ok(results)
    }

    async fn receive(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        request: ReceiveRequest,
    ) -> Result<Delivery, ServiceError> {
        self.begin(caller)?.received = Some(request.clone());
        let default = queue.attributes.receive_message_wait_time_seconds;
        let wait = request.wait_time_seconds.unwrap_or(default);
        let until = tokio::time::Instant::now() + Duration::from_secs(u64::from(wait));
        let parked = Parked::new(&self.counts);
        let messages = loop {
            let sent = self.sent.notified();
            let messages = self.take(queue, &request)?;
            if !messages.is_empty() {
                break messages;
            }
            if tokio::time::timeout_at(until, sent).await.is_err() {
                break Vec::new();
            }
        };
        parked.end();
        if messages.is_empty() {
            return Ok(Delivery::empty());
        }
        let undo = Undo(self.counts.clone());
        Ok(Delivery::new(messages, Box::new(move || undo.undo())))
    }

    async fn delete(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        handles: Vec<String>,
    ) -> Result<Vec<Result<(), MessageError>>, ServiceError> {
        let mut state = self.begin(caller)?;
        let failure = state.message_failure.take();
        let queue = state.queue(queue)?;
        let delete = |handle: String| match &failure {
            Some(failure) => Err(failure.clone()),
            None => {
                let removed = queue.in_flight.remove(&handle);
                removed
                    .map(|_| ())
                    .ok_or(MessageError::ReceiptHandleInvalid)
            }
        };
        Ok(handles.into_iter().map(delete).collect())
    }

    async fn change_visibility(
        &self,
        caller: &Caller,
        queue: &Arc<QueueInfo>,
        entries: Vec<ChangeVisibilityEntry>,
    ) -> Result<Vec<Result<(), MessageError>>, ServiceError> {
        let mut state = self.begin(caller)?;
        state.changes = entries.clone();
        let failure = state.message_failure.take();
        let queue = state.queue(queue)?;
        let change = |entry: ChangeVisibilityEntry| match &failure {
            Some(failure) => Err(failure.clone()),
            None if entry.visibility_timeout_seconds > 0 => Ok(()),
            None => {
                let message = queue.in_flight.remove(&entry.handle);
                queue
                    .visible
                    .push_front(message.ok_or(MessageError::ReceiptHandleInvalid)?);
                Ok(())
            }
        };
        Ok(entries.into_iter().map(change).collect())
    }
}

impl Fake {
    fn take(
        &self,
        queue: &QueueInfo,
        request: &ReceiveRequest,
    ) -> Result<Vec<ReceivedMessage>, ServiceError> {
        let mut state = self.state();
        let mut messages = Vec::new();
        while messages.len() < request.messages_max {
            let handle = format!("handle-{}", state.next());
            let queue = state.queue(queue)?;
            let Some(mut message) = queue.visible.pop_front() else {
                break;
            };
            message.receipt_handle = handle.clone();
            message.receive_count += 1;
            message.first_received_at = Timestamp(1_700_000_000_789);
            queue.in_flight.insert(handle, message.clone());
            messages.push(message);
        }
        Ok(messages)
    }
}

/// Counts, so that ids are distinct and tests repeat.
#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let cycle = number.iter().cycle();
        bytes
            .iter_mut()
            .zip(cycle)
            .for_each(|(byte, value)| *byte = *value);
    }
}

pub(crate) const LOCALHOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
