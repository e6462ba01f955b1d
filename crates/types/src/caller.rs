//! Who asks.

use std::fmt;
use std::net::IpAddr;

/// Twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    pub const DEFAULT: &'static str = "000000000000";

    /// `None` unless `text` is twelve digits.
    pub fn parse(text: &str) -> Option<AccountId> {
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| AccountId(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AccountId {
    fn default() -> Self {
        AccountId(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A region's name, as the credential scope of a signature gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

impl Region {
    pub const DEFAULT: &'static str = "us-east-1";
    const BYTES_MAX: usize = 32;

    /// `None` unless `text` is 1 to 32 lower-case letters, digits and hyphens.
    pub fn parse(text: &str) -> Option<Region> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = (1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
        valid.then(|| Region(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What ARNs in this region begin with after `arn:`.
    pub fn partition(&self) -> &'static str {
        const OTHERS: [(&str, &str); 4] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-iso-", "aws-iso"),
            ("us-isob-", "aws-iso-b"),
        ];
        let other = OTHERS.iter().find(|(start, _)| self.0.starts_with(start));
        other.map_or("aws", |(_, partition)| partition)
    }
}

impl Default for Region {
    fn default() -> Self {
        Region(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who makes a call, carried through every layer so that accounts, policies and network rules have
/// what they decide on.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account whose queues a bare name means.
    pub account: AccountId,
    pub region: Region,
    /// The ARN-like name of who signed, or `anonymous`.
    pub principal: String,
    pub source_address: IpAddr,
    /// The id that the answer carries and that logs name.
    pub request_id: String,
}
