use squorum_types::{AccountId, QueueName};

use crate::error::ApiError;

/// Where a queue URL points: only its last two path segments count, whatever host the client knows
/// this service by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueAddress {
    /// `None` if the URL names no account: then the caller's.
    pub(crate) account: Option<AccountId>,
    pub(crate) name: QueueName,
}

impl QueueAddress {
    /// Reads a queue URL, its path, or a bare queue name.
    pub(crate) fn parse(url: &str) -> Result<QueueAddress, ApiError> {
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => url,
        };
        let path = path.split(['?', '#']).next().unwrap_or("");
        let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
        let name = segments.next().unwrap_or("");
        let name = QueueName::parse(name).map_err(|_| ApiError::QueueDoesNotExist)?;
        let account = segments.next().and_then(AccountId::parse);
        Ok(QueueAddress { account, name })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_the_last_two_segments() {
        for url in [
            "http://localhost:9324/123456789012/orders.fifo",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo/",
            "http://localhost/some/prefix/123456789012/orders.fifo?x=1",
            "/123456789012/orders.fifo",
            "localhost:9324/123456789012/orders.fifo",
        ] {
            let address = QueueAddress::parse(url).unwrap();
            assert_eq!(address.account.unwrap().as_str(), "123456789012", "{url}");
            assert_eq!(address.name.as_str(), "orders.fifo", "{url}");
        }
        for url in [
            "orders",
            "http://localhost/orders",
            "http://localhost/queue/orders",
        ] {
            let address = QueueAddress::parse(url).unwrap();
            assert_eq!(
                (address.account, address.name.as_str()),
                (None, "orders"),
                "{url}"
            );
        }
        for url in [
            "",
            "/",
            "http://localhost",
            "http://",
            "http://localhost/a/b c",
            "ä",
        ] {
            assert_eq!(
                QueueAddress::parse(url),
                Err(ApiError::QueueDoesNotExist),
                "{url}"
            );
        }
    }
}
