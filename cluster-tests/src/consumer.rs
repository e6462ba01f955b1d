use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::batch::call_batch;
use crate::connection::Connection;
use crate::measurement::record;
use crate::request::{DeleteRequest, receive};
use crate::run::Run;
use crate::scan::for_each_member;
use crate::tag::Tag;

const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Receives and deletes until the run ends. A delete that fails is tried again.
pub(crate) async fn consume(run: Rc<Run>) {
    let mut connection = Connection::new(run.address.clone());
    let receive_request = receive(&run.address, &run.queue_url, &run.options);
    let mut delete_request = DeleteRequest::new(run.address.clone(), &run.queue_url);
    let mut handles = Vec::new();
    while !run.consumers_stopped() {
        if !receive_batch(&run, &mut connection, &receive_request, &mut handles).await {
            tokio::time::sleep(RETRY_PAUSE).await;
            continue;
        }
        if handles.is_empty() {
            continue;
        }
        let bytes = delete_request.with_handles(&handles);
        while !delete(&run, &mut connection, bytes, handles.len() as u64).await {
            if run.consumers_stopped() {
                return;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        run.release_backlog(handles.len() as u64);
    }
}

/// Fills `handles`; whether the call was answered with 200.
async fn receive_batch(
    run: &Run,
    connection: &mut Connection,
    request: &[u8],
    handles: &mut Vec<Vec<u8>>,
) -> bool {
    handles.clear();
    let started = Instant::now();
    let answer = connection.call(request).await;
    let mut measurement = run.measurement.borrow_mut();
    match answer {
        Ok(answer) if answer.status == 200 => {
            let mut ledger = run.ledger.borrow_mut();
            for_each_member(answer.body, |key, value| match (key, value) {
                (b"ReceiptHandle", Some(handle)) => handles.push(handle.to_vec()),
                (b"Body", Some(body)) => ledger.receive(Tag::parse(body)),
                _ => (),
            });
            if !handles.is_empty() {
                measurement.last_receive = Instant::now();
                record(&mut measurement.receive_us, started.elapsed());
            }
            true
        }
        Ok(answer) => {
            let text = String::from_utf8_lossy(answer.body);
            measurement.fail(format!("receive: {} {text}", answer.status));
            false
        }
        Err(error) => {
            measurement.fail(format!("receive: {error:#}"));
            false
        }
    }
}

/// Whether the call was answered with 200 and no entry failed.
async fn delete(run: &Run, connection: &mut Connection, bytes: &[u8], messages: u64) -> bool {
    let started = Instant::now();
    let outcome = call_batch(connection, bytes).await;
    let mut measurement = run.measurement.borrow_mut();
    match outcome {
        Ok(()) => {
            measurement.last_delete = Instant::now();
            record(&mut measurement.delete_us, started.elapsed());
            run.ledger.borrow_mut().deleted_count += messages;
            true
        }
        Err(error) => {
            measurement.fail(format!("delete: {error}"));
            false
        }
    }
}
