/// Where requests go, from a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// `host:port` to connect to; a name with several addresses is tried address by address.
    pub(crate) authority: String,
    /// As the URL says it: without the port when that is the default.
    pub(crate) host: String,
    pub(crate) path: String,
}

impl Endpoint {
    pub(crate) fn parse(url: &str) -> Result<Endpoint, String> {
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(format!("endpoint {url} must begin with http://"));
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.ends_with(']'));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_plain) {
            return Err(format!("endpoint {url} has no valid host"));
        }
        if !path.bytes().all(|byte| is_plain(byte) || byte == b'/') {
            return Err(format!("endpoint {url} has a path that is not plain"));
        }
        let path = format!("/{path}");
        Ok(Endpoint {
            authority: if has_port {
                host.to_owned()
            } else {
                format!("{host}:80")
            },
            host: host.to_owned(),
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn urls_give_authority_host_and_path() {
        for (url, authority, host, path) in [
            (
                "http://localhost:9324",
                "localhost:9324",
                "localhost:9324",
                "/",
            ),
            ("http://sqs/x/y", "sqs:80", "sqs", "/x/y"),
            ("http://[::1]", "[::1]:80", "[::1]", "/"),
            ("http://[::1]:9324/", "[::1]:9324", "[::1]:9324", "/"),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            let found = (
                endpoint.authority.as_str(),
                endpoint.host.as_str(),
                endpoint.path.as_str(),
            );
            assert_eq!(found, (authority, host, path));
        }
        for url in [
            "localhost:9324",
            "https://sqs",
            "http://",
            "http:///x",
            "http://a b",
        ] {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
    }
}
