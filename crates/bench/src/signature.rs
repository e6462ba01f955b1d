//! Signature Version 4 over the headers that an SDK signs for SQS, made for many requests: the key
//! is derived once a day, the date once a second, the rest for every request. The key and the final
//! HMAC are those of `aws-sigv4`; its general signer takes any request apart and costs several times as much.

use std::cell::RefCell;
use std::fmt;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use sha2::{Digest, Sha256};

use crate::action::Action;
use crate::amz_date::amz_date;
use crate::endpoint::Endpoint;

pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "sqs";
const DAY_CHARACTERS: usize = 8;

#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
    pub(crate) region: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, region) = (&self.access_key_id, &self.region);
        write!(
            f,
            "Credentials {{ access_key_id: {id}, region: {region}, .. }}"
        )
    }
}

#[derive(Debug)]
pub(crate) struct Signer {
    credentials: Credentials,
    moment: RefCell<Option<Moment>>,
}

/// What stays the same for a second.
#[derive(Debug)]
struct Moment {
    unix_seconds: u64,
    date: String,
    /// `day/region/sqs/aws4_request`.
    scope: String,
    key: Vec<u8>,
}

impl Signer {
    pub(crate) fn new(credentials: Credentials) -> Signer {
        Signer {
            credentials,
            moment: RefCell::new(None),
        }
    }

    /// Adds the headers that a signature consists of; credentials were checked to be printable.
    pub(crate) fn write_headers(
        &self,
        head: &mut Vec<u8>,
        now: SystemTime,
        endpoint: &Endpoint,
        action: Action,
        body: &[u8],
    ) {
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut cached = self.moment.borrow_mut();
        let moment = match cached.take() {
            Some(moment) if moment.unix_seconds == since_epoch.as_secs() => moment,
            earlier => self.moment_at(since_epoch.as_secs(), earlier),
        };
        let moment = cached.insert(moment);
        let names = if self.credentials.session_token.is_some() {
            "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
        } else {
            "content-type;host;x-amz-date;x-amz-target"
        };
        let request = self.canonical_request(&moment.date, names, endpoint, action, body);
        let signature = signature(&moment.key, &moment.date, &moment.scope, &request);
        let (id, scope) = (&self.credentials.access_key_id, &moment.scope);
        let date = &moment.date;
        write!(
            head,
            "X-Amz-Date: {date}\r\nAuthorization: {ALGORITHM} Credential={id}/{scope}, \
             SignedHeaders={names}, Signature={signature}\r\n"
        )
        .expect("writing to memory cannot fail");
        if let Some(token) = &self.credentials.session_token {
            write!(head, "X-Amz-Security-Token: {token}\r\n")
                .expect("writing to memory cannot fail");
        }
    }

    fn canonical_request(
        &self,
        date: &str,
        names: &str,
        endpoint: &Endpoint,
        action: Action,
        body: &[u8],
    ) -> String {
        let (host, path, target) = (&endpoint.host, &endpoint.path, action.target());
        let mut request = String::with_capacity(512);
        let (token_name, token, token_end) = match &self.credentials.session_token {
            Some(token) => ("x-amz-security-token:", token.as_str(), "\n"),
            None => ("", "", ""),
        };
        write!(
            request,
            "POST\n{path}\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-amz-date:{date}\n\
             {token_name}{token}{token_end}x-amz-target:{target}\n\n{names}\n",
        )
        .expect("writing to memory cannot fail");
        push_sha256_hex(&mut request, body);
        request
    }

    fn moment_at(&self, unix_seconds: u64, earlier: Option<Moment>) -> Moment {
        let date = amz_date(unix_seconds);
        let (day, region) = (&date[..DAY_CHARACTERS], &self.credentials.region);
        let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
        let key = match earlier {
            Some(earlier) if earlier.scope == scope => earlier.key,
            _ => {
                let time = UNIX_EPOCH + Duration::from_secs(unix_seconds);
                let secret = &self.credentials.secret_access_key;
                generate_signing_key(secret, time, region, SERVICE)
                    .as_ref()
                    .to_vec()
            }
        };
        Moment {
            unix_seconds,
            date,
            scope,
            key,
        }
    }
}

fn signature(key: &[u8], date: &str, scope: &str, canonical_request: &str) -> String {
    let mut to_sign = String::with_capacity(192);
    write!(to_sign, "{ALGORITHM}\n{date}\n{scope}\n").expect("writing to memory cannot fail");
    push_sha256_hex(&mut to_sign, canonical_request.as_bytes());
    calculate_signature(key, to_sign.as_bytes())
}

fn push_sha256_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in Sha256::digest(bytes) {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
#[path = "signature_test.rs"]
mod tests;
