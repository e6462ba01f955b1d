//! Checks a request's signature with the SDK's own signer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http::request::Parts;

use super::SECRET;

/// A signature of this second or of the few before, as a server allows for slow clients.
const SECONDS: u64 = 5;

pub(crate) fn check(head: &Parts, body: &[u8]) -> Result<(), String> {
    let Some(given) = head.headers.get("authorization") else {
        return Err("not signed".to_owned());
    };
    let given = given.to_str().unwrap();
    let date = head.headers["x-amz-date"].to_str().unwrap();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    for age in 0..SECONDS {
        let time = UNIX_EPOCH + Duration::from_secs(now - age);
        let (expected, expected_date) = expected(head, body, given, time);
        if expected == given && expected_date == date {
            return Ok(());
        }
    }
    Err(format!("wrong signature {given} of {date}"))
}

fn expected(head: &Parts, body: &[u8], given: &str, time: SystemTime) -> (String, String) {
    let access_key = given.split(['=', '/']).nth(1).unwrap();
    let region = given.split('/').nth(2).unwrap();
    let token = head.headers.get("x-amz-security-token");
    let token = token.map(|token| token.to_str().unwrap().to_owned());
    let identity = aws_credential_types::Credentials::new(access_key, SECRET, token, None, "fake");
    let identity = identity.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sqs")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap();
    let header = |name| (name, head.headers[name].to_str().unwrap());
    let headers = ["content-type", "host", "x-amz-target"].map(header);
    let url = format!("http://{}{}", headers[1].1, head.uri.path());
    let method = head.method.as_str();
    let body = SignableBody::Bytes(body);
    let request = SignableRequest::new(method, url, headers.into_iter(), body).unwrap();
    let (instructions, _) = sign(request, &params.into()).unwrap().into_parts();
    let added = |wanted: &str| {
        let mut headers = instructions.headers();
        headers
            .find(|(name, _)| *name == wanted)
            .unwrap()
            .1
            .to_owned()
    };
    (added("authorization"), added("x-amz-date"))
}
