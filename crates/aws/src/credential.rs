//! Who signed a request, as far as the signature's credential says, and for which region. The
//! signature itself is not verified yet: until there are users, every one counts and so does none.

use std::net::IpAddr;

use http::request::Parts;
use squorum_types::{AccountId, Caller, Region};

const ANONYMOUS: &str = "anonymous";

/// Makes the caller of a request: region from the credential's scope, else from a host that is named
/// as AWS names its own; account from an access key of twelve digits; the defaults otherwise.
pub(crate) fn caller(head: &Parts, source_address: IpAddr, request_id: String) -> Caller {
    let scope = scope(head);
    let account = scope.access_key.and_then(AccountId::parse);
    let account = account.unwrap_or_default();
    let region = scope.region.and_then(Region::parse);
    let region = region.or_else(|| region_of_host(head)).unwrap_or_default();
    let principal = match scope.access_key {
        Some(_) => root_of(&account, &region),
        None => ANONYMOUS.to_owned(),
    };
    Caller {
        account,
        region,
        principal,
        source_address,
        request_id,
    }
}

/// The ARN of an account's root.
pub(crate) fn root_of(account: &AccountId, region: &Region) -> String {
    format!("arn:{}:iam::{account}:root", region.partition())
}

/// The region in `sqs.<region>.…` and in the older `<region>.queue.…`.
fn region_of_host(head: &Parts) -> Option<Region> {
    let host = head.headers.get(http::header::HOST)?.to_str().ok()?;
    let host = host.split(':').next()?.to_ascii_lowercase();
    let mut labels = host.split('.');
    match (labels.next()?, labels.next()?, labels.next()?) {
        ("sqs", region, _) | (region, "queue", _) => Region::parse(region),
        _ => None,
    }
}

#[derive(Default)]
struct Scope<'a> {
    access_key: Option<&'a str>,
    region: Option<&'a str>,
}

fn scope(head: &Parts) -> Scope<'_> {
    let header = head.headers.get(http::header::AUTHORIZATION);
    let header = header.and_then(|value| value.to_str().ok());
    if let Some(credential) = header.and_then(|text| between(text, "Credential=", ',')) {
        return split(credential, "/");
    }
    let query = head.uri.query().unwrap_or("");
    match between(query, "X-Amz-Credential=", '&') {
        Some(credential) if credential.contains('/') => split(credential, "/"),
        Some(credential) => split(credential, "%2F"),
        None => Scope::default(),
    }
}

fn between<'a>(text: &'a str, start: &str, end: char) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split(end).next().map(str::trim)
}

/// Splits `key/date/region/service/aws4_request`.
fn split<'a>(credential: &'a str, separator: &str) -> Scope<'a> {
    let mut parts = credential.split(separator);
    let access_key = parts.next().filter(|key| !key.is_empty());
    let region = parts.nth(1);
    Scope { access_key, region }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(uri: &str, authorization: Option<&str>) -> (String, String, String) {
        let mut request = http::Request::builder().uri(uri);
        if let Some(value) = authorization {
            request = request.header("Authorization", value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let caller = caller(&head, IpAddr::from([127, 0, 0, 1]), String::new());
        let region = caller.region.as_str().to_owned();
        (caller.account.as_str().to_owned(), region, caller.principal)
    }

    #[test]
    fn regions_of_hosts() {
        for (host, region) in [
            ("sqs.eu-west-1.amazonaws.com", "eu-west-1"),
            ("eu-west-1.queue.amazonaws.com:443", "eu-west-1"),
            ("queue.amazonaws.com", "us-east-1"),
            ("localhost:9324", "us-east-1"),
            ("sqs.NO GOOD.com", "us-east-1"),
            ("SQS.EU-WEST-1.AmazonAWS.com", "eu-west-1"),
        ] {
            let request = http::Request::builder().header("Host", host);
            let (head, ()) = request.body(()).unwrap().into_parts();
            let caller = caller(&head, IpAddr::from([127, 0, 0, 1]), String::new());
            assert_eq!(caller.region.as_str(), region, "{host}");
        }
    }

    #[test]
    fn reads_the_credential_scope() {
        let header = "AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/sqs/aws4_request, \
                      SignedHeaders=host, Signature=00";
        let root = |account: &str| format!("arn:aws:iam::{account}:root");
        let expected = |account: &str, region: &str, principal: String| {
            (account.to_owned(), region.to_owned(), principal)
        };
        let zero = "000000000000";
        let own = "111122223333";
        assert_eq!(of("/", Some(header)), expected(own, "eu-west-1", root(own)));
        let query =
            "/?X-Amz-Credential=111122223333%2F20260101%2Feu-west-1%2Fsqs%2Faws4_request&x=1";
        assert_eq!(of(query, None), expected(own, "eu-west-1", root(own)));
        let other = header.replace(own, "AKIDEXAMPLE");
        assert_eq!(
            of("/", Some(&other)),
            expected(zero, "eu-west-1", root(zero))
        );
        let anonymous = expected(zero, "us-east-1", "anonymous".to_owned());
        assert_eq!(of("/", None), anonymous);
        assert_eq!(of("/", Some("Bearer x")), anonymous);
        assert_eq!(of("/", Some("Credential=")), anonymous);
        assert_eq!(of("/", Some("Credential=a/b/NO GOOD")).1, "us-east-1");
    }
}
