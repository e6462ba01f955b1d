use std::time::Duration;

use async_nats::{Client, ConnectOptions};

use crate::error::Error;

/// As long as `squorum bench` waits for an answer at most.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// One client per connection; the n-th is connected to the n-th server, and stays there.
pub(crate) async fn connect(endpoints: &[String], index: u64) -> Result<Client, Error> {
    let url = endpoints[index as usize % endpoints.len()].trim();
    ConnectOptions::new()
        .ignore_discovered_servers()
        .request_timeout(Some(REQUEST_TIMEOUT))
        // The subjects are this program's own.
        .skip_subject_validation(true)
        .connect(url)
        .await
        .map_err(|error| Error::Connect {
            url: url.to_owned(),
            reason: error.to_string(),
        })
}
