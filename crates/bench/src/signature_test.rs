#![allow(clippy::unwrap_used)]

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn credentials(session_token: Option<&'static str>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: session_token.map(str::to_owned),
        region: "us-east-1".to_owned(),
    }
}

/// `post-vanilla` of the test suite that AWS publishes for Signature Version 4.
#[test]
fn the_published_vector_is_met() {
    let time = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
    let key = generate_signing_key(SECRET, time, "us-east-1", "service");
    let mut request = "POST\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n\
                       host;x-amz-date\n"
        .to_owned();
    push_sha256_hex(&mut request, b"");
    let scope = "20150830/us-east-1/service/aws4_request";
    assert_eq!(
        signature(key.as_ref(), "20150830T123600Z", scope, &request),
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    );
}

fn signed_by_the_sdk(
    credentials: &Credentials,
    time: SystemTime,
    endpoint: &Endpoint,
    body: &[u8],
) -> String {
    let identity = aws_credential_types::Credentials::new(
        &credentials.access_key_id,
        &credentials.secret_access_key,
        credentials.session_token.clone(),
        None,
        "test",
    )
    .into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(&credentials.region)
        .name(SERVICE)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap();
    let host = endpoint.host.as_str();
    let headers = [
        ("content-type", CONTENT_TYPE),
        ("host", host),
        ("x-amz-target", Action::SendMessage.target()),
    ];
    let url = format!("http://{host}{}", endpoint.path);
    let body = SignableBody::Bytes(body);
    let request = SignableRequest::new("POST", url, headers.into_iter(), body).unwrap();
    let (instructions, _) = sign(request, &params.into()).unwrap().into_parts();
    let authorization = instructions
        .headers()
        .find(|(name, _)| *name == "authorization");
    authorization.unwrap().1.to_owned()
}

#[test]
fn every_request_is_signed_as_the_sdk_does_across_seconds_and_days() {
    let endpoint = Endpoint::parse("http://localhost:9324/000000000000/q").unwrap();
    for token in [None, Some("a/session+token==")] {
        let signer = Signer::new(credentials(token));
        for seconds in [
            1_440_938_160,
            1_440_938_160,
            1_440_938_161,
            1_441_000_000,
            0,
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            for body in [b"{}".as_slice(), b"{\"MessageBody\":\"x\"}"] {
                let mut ours = Vec::new();
                signer.write_headers(&mut ours, time, &endpoint, Action::SendMessage, body);
                let theirs = signed_by_the_sdk(&signer.credentials, time, &endpoint, body);
                let date = amz_date(seconds);
                let token = token.map(|token| format!("X-Amz-Security-Token: {token}\r\n"));
                let token = token.unwrap_or_default();
                let expected = format!("X-Amz-Date: {date}\r\nAuthorization: {theirs}\r\n{token}");
                assert_eq!(String::from_utf8(ours).unwrap(), expected);
            }
        }
    }
}

/// Prints what signing costs, ours and the general signer's: `-- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn cost_of_a_signature() {
    let endpoint = Endpoint::parse("http://localhost:9324").unwrap();
    let signer = Signer::new(credentials(None));
    let body = vec![b'x'; 1_100];
    let now = SystemTime::now();
    let mut head = Vec::new();
    let rounds = 100_000_u32;
    let started = std::time::Instant::now();
    for _ in 0..rounds {
        head.clear();
        signer.write_headers(&mut head, now, &endpoint, Action::SendMessage, &body);
        std::hint::black_box(&head);
    }
    let ours = started.elapsed() / rounds;
    let started = std::time::Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(signed_by_the_sdk(
            &signer.credentials,
            now,
            &endpoint,
            &body,
        ));
    }
    println!(
        "ours {ours:?}, general signer {:?}",
        started.elapsed() / rounds
    );
}
