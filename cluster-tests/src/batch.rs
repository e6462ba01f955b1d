use crate::connection::Connection;
use crate::scan::for_each_member;

/// Makes a call of one message or a batch: fine only with 200 and without a failed entry.
pub(crate) async fn call_batch(connection: &mut Connection, bytes: &[u8]) -> Result<(), String> {
    let answer = connection.call(bytes).await;
    let answer = answer.map_err(|error| format!("{error:#}"))?;
    if answer.status != 200 {
        let body = String::from_utf8_lossy(answer.body);
        return Err(format!("{} {body}", answer.status));
    }
    let mut failed = 0_u64;
    for_each_member(answer.body, |key, _| {
        failed += u64::from(key == b"SenderFault")
    });
    if failed > 0 {
        return Err(format!("{failed} entries failed"));
    }
    Ok(())
}
