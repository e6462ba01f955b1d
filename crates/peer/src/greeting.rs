use std::fmt;
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use squorum_types::NodeId;

/// What both sides of a connection must speak: the messages in `/proto` and how they are used.
/// Messages may grow fields without a new version.
pub const PROTOCOL_VERSION: u32 = 1;

const HEADER: HeaderName = HeaderName::from_static("squorum-greeting");

/// Who calls whom, told with every RPC in one header:
/// `version;feature level;caller;target or -;cluster or -`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    pub protocol_version: u32,
    /// The highest that the caller's program has.
    pub feature_level: u32,
    pub caller: NodeId,
    /// Whom the caller believes to call, if it knows.
    pub target: Option<NodeId>,
    /// The caller's cluster, if it is in one.
    pub cluster: Option<[u8; 16]>,
}

/// Who called, if the RPC came through [`serve`](crate::serve).
pub fn caller<T>(request: &tonic::Request<T>) -> Option<NodeId> {
    let greeting = request.extensions().get::<Greeting>();
    greeting.map(|greeting| greeting.caller)
}

impl Greeting {
    pub(crate) fn insert_into(&self, headers: &mut HeaderMap) {
        let text = HeaderValue::from_str(&self.to_string());
        headers.insert(HEADER, text.expect("digits and separators"));
    }

    pub(crate) fn read_from(headers: &HeaderMap) -> Result<Greeting, String> {
        let value = headers.get(HEADER).ok_or("the caller did not greet")?;
        let greeting = value.to_str().ok().and_then(|text| text.parse().ok());
        greeting.ok_or_else(|| "the caller's greeting is malformed".to_string())
    }

    /// Whether a node that is `node` of `cluster` may serve the caller; if not, what differs.
    /// `for_members`: the call is for members of the same cluster alone.
    pub(crate) fn check(
        &self,
        node: NodeId,
        cluster: Option<[u8; 16]>,
        for_members: bool,
    ) -> Result<(), String> {
        if self.protocol_version != PROTOCOL_VERSION {
            return Err(format!(
                "node {node} speaks protocol version {PROTOCOL_VERSION}, the caller {}",
                self.protocol_version
            ));
        }
        if self.target.is_some_and(|target| target != node) {
            return Err(format!("this is node {node}, the caller calls another"));
        }
        if !for_members {
            return Ok(());
        }
        let (Some(own), Some(callers)) = (cluster, self.cluster) else {
            let who = if cluster.is_none() { "node" } else { "caller" };
            return Err(format!("the {who} is in no cluster yet"));
        };
        if own != callers {
            return Err(format!(
                "node {node} is in cluster {:032x}, the caller in cluster {:032x}",
                u128::from_be_bytes(own),
                u128::from_be_bytes(callers)
            ));
        }
        if self.target.is_none() {
            return Err("the caller does not say whom it calls".to_string());
        }
        Ok(())
    }
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, level) = (self.protocol_version, self.feature_level);
        write!(f, "{version};{level};{};", self.caller.0)?;
        match self.target {
            Some(target) => write!(f, "{};", target.0)?,
            None => f.write_str("-;")?,
        }
        match self.cluster {
            Some(cluster) => write!(f, "{:032x}", u128::from_be_bytes(cluster)),
            None => f.write_str("-"),
        }
    }
}

impl FromStr for Greeting {
    type Err = ();

    /// Fields beyond those that this version knows are left to later ones: the version decides.
    fn from_str(text: &str) -> Result<Greeting, ()> {
        let mut fields = text.split(';');
        let mut field = || fields.next().ok_or(());
        let protocol_version = field()?.parse().map_err(drop)?;
        let feature_level = field()?.parse().map_err(drop)?;
        let caller = NodeId(field()?.parse().map_err(drop)?);
        let target = match field()? {
            "-" => None,
            node => Some(NodeId(node.parse().map_err(drop)?)),
        };
        let cluster = match field()? {
            "-" => None,
            id => Some(u128::from_str_radix(id, 16).map_err(drop)?.to_be_bytes()),
        };
        Ok(Greeting {
            protocol_version,
            feature_level,
            caller,
            target,
            cluster,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const GREETING: Greeting = Greeting {
        protocol_version: PROTOCOL_VERSION,
        feature_level: 3,
        caller: NodeId(7),
        target: Some(NodeId(8)),
        cluster: Some([1; 16]),
    };

    #[test]
    fn a_greeting_survives_its_header() {
        let stranger = Greeting {
            target: None,
            cluster: None,
            ..GREETING
        };
        for greeting in [GREETING, stranger] {
            let mut headers = HeaderMap::new();
            greeting.insert_into(&mut headers);
            assert_eq!(Greeting::read_from(&headers), Ok(greeting));
        }
        assert_eq!(stranger.to_string(), "1;3;7;-;-");
        for text in ["", "1;3;7;8", "1;3;7;8;xyz", "1;3;;8;-", "-1;3;7;8;-"] {
            assert!(text.parse::<Greeting>().is_err(), "{text}");
        }
    }

    #[test]
    fn strangers_are_told_what_differs() {
        let check = |greeting: Greeting, for_members| {
            greeting
                .check(NodeId(8), Some([1; 16]), for_members)
                .err()
                .unwrap_or_default()
        };
        assert_eq!(check(GREETING, true), "");
        let newer = Greeting {
            protocol_version: 2,
            ..GREETING
        };
        assert!(check(newer, false).contains("version 1, the caller 2"));
        let misled = Greeting {
            target: Some(NodeId(9)),
            ..GREETING
        };
        assert!(check(misled, false).contains("this is node 0000000000000008"));
        let foreign = Greeting {
            cluster: Some([2; 16]),
            ..GREETING
        };
        assert!(check(foreign, true).contains("in cluster 0202"));
        assert_eq!(check(foreign, false), "");
        let homeless = Greeting {
            cluster: None,
            ..GREETING
        };
        assert!(check(homeless, true).contains("caller is in no cluster"));
        let vague = Greeting {
            target: None,
            ..GREETING
        };
        assert!(check(vague, true).contains("whom it calls"));
        assert_eq!(check(vague, false), "");
        let unfounded = GREETING.check(NodeId(8), None, true);
        assert!(unfounded.unwrap_err().contains("node is in no cluster"));
    }
}
