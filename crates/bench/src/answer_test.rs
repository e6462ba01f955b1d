#![allow(clippy::unwrap_used)]

use super::*;

/// The body of an answer that comes byte by byte; `None` if it never was complete.
fn body_of(text: &str) -> Option<String> {
    let text = text.as_bytes();
    let mut head: Option<Head> = None;
    let mut received = BytesMut::new();
    for (index, byte) in text.iter().enumerate() {
        received.extend_from_slice(&[*byte]);
        if head.is_none()
            && let Some(parsed) = Head::parse(&received).unwrap()
        {
            received.advance(parsed.bytes);
            head = Some(parsed);
        }
        let is_last = index + 1 == text.len();
        if let Some(body) = head.and_then(|head| head.take_body(&mut received, false).unwrap()) {
            assert!(is_last, "complete before its end");
            assert!(received.is_empty());
            return Some(String::from_utf8(body.to_vec()).unwrap());
        }
    }
    let body = head?.take_body(&mut received, true).unwrap()?;
    Some(String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn bodies_end_by_length_chunk_or_close() {
    for (headers, body, expected) in [
        ("Content-Length: 2", "{}", Some("{}")),
        ("content-length:  0", "", Some("")),
        (
            "Transfer-Encoding: chunked",
            "1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n",
            Some("{}"),
        ),
        (
            "Transfer-Encoding: chunked",
            "2\r\n{}\r\n0\r\nA: b\r\nC: d\r\n\r\n",
            Some("{}"),
        ),
        ("Transfer-Encoding: chunked", "2\r\n{}\r\n", None),
        ("Content-Length: 3", "{}", None),
        ("Server: x", "{}", Some("{}")),
    ] {
        let text = format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{body}");
        assert_eq!(body_of(&text).as_deref(), expected, "{headers}");
    }
}

#[test]
fn heads_say_whether_the_connection_lasts() {
    for (head, closes) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0", false),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close",
            true,
        ),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0", true),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive",
            false,
        ),
        ("HTTP/1.1 200 OK", true),
        ("HTTP/1.1 204 No Content", false),
    ] {
        let head = Head::parse(format!("{head}\r\n\r\n").as_bytes())
            .unwrap()
            .unwrap();
        assert_eq!(head.closes, closes);
    }
}

#[test]
fn nonsense_is_refused() {
    for head in ["nonsense", "HTTP/1.1 200 OK\r\nContent-Length: many"] {
        assert!(Head::parse(format!("{head}\r\n\r\n").as_bytes()).is_err());
    }
    let head = Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let head = head.unwrap().unwrap();
    for chunk in ["zz\r\n", "ffffffffffffffffff\r\n"] {
        let mut received = BytesMut::from(chunk);
        assert!(head.take_body(&mut received, false).is_err(), "{chunk}");
    }
    // A chunk as long as the address space is never complete; the connection bounds what is read.
    let mut received = BytesMut::from("ffffffffffffffff\r\nx");
    assert!(head.take_body(&mut received, false).unwrap().is_none());
}

#[test]
fn an_interim_answer_has_no_body() {
    let head = Head::parse(b"HTTP/1.1 100 Continue\r\n\r\n")
        .unwrap()
        .unwrap();
    assert!(head.is_interim());
    let body = head.take_body(&mut BytesMut::new(), false).unwrap();
    assert_eq!(body, Some(Bytes::new()));
}
