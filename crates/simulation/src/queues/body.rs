//! Bodies of messages: each says which message it is.

use bytes::Bytes;

use crate::history::Tag;

/// The tag, and filling of a length that depends on it.
pub(super) fn of(tag: Tag) -> Bytes {
    let mut body = format!("{} ", tag.0);
    let filling = (tag.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 53) as usize;
    body.extend(std::iter::repeat_n('x', filling));
    body.into()
}

/// The tag of a body, if it is whole.
pub(super) fn tag(body: &Bytes) -> Option<Tag> {
    let text = std::str::from_utf8(body).ok()?;
    let tag = Tag(text.split(' ').next()?.parse().ok()?);
    (of(tag) == *body).then_some(tag)
}

/// The message group that a message is sent with to a standard queue: most are of one tenant, some of
/// others, some of none.
pub(super) fn tenant(tag: Tag) -> String {
    let number = tag.0 / 100;
    match number % 5 {
        0 => String::new(),
        1 => format!("quiet-{}", number % 7),
        _ => "noisy".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_was_touched_is_noticed() {
        for number in 0..500 {
            let body = of(Tag(number));
            assert_eq!(tag(&body), Some(Tag(number)));
            assert_eq!(tag(&body.slice(1..)).filter(|tag| tag.0 == number), None);
        }
    }
}
