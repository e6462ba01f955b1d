//! Finds string members in JSON without parsing it: strings are skipped as a whole, so nothing in a
//! message's body can be taken for a member.

use memchr::memchr2;

/// Calls `found(key, value)` for every member of every object, in order of appearance. Values are
/// as they stand between the quotes, escapes included; `None` for what is not a string.
pub(crate) fn for_each_member<'a>(
    json: &'a [u8],
    mut found: impl FnMut(&'a [u8], Option<&'a [u8]>),
) {
    let mut at = 0;
    while let Some((key, after_key)) = next_string(json, at) {
        at = after_key;
        let colon = skip_space(json, at);
        if json.get(colon) != Some(&b':') {
            continue;
        }
        let value = skip_space(json, colon + 1);
        if json.get(value) == Some(&b'"') {
            let Some((text, after_value)) = next_string(json, value) else {
                return;
            };
            found(key, Some(text));
            at = after_value;
        } else {
            found(key, None);
            at = value;
        }
    }
}

/// The next string at or after `from`, and the position behind its closing quote.
fn next_string(json: &[u8], from: usize) -> Option<(&[u8], usize)> {
    let start = from + memchr::memchr(b'"', json.get(from..)?)? + 1;
    let mut at = start;
    loop {
        let special = at + memchr2(b'"', b'\\', json.get(at..)?)?;
        if json[special] == b'"' {
            return Some((&json[start..special], special + 1));
        }
        at = special + 2;
    }
}

fn skip_space(json: &[u8], from: usize) -> usize {
    let rest = json.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(json: &str) -> Vec<(String, Option<String>)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut all = Vec::new();
        for_each_member(json.as_bytes(), |key, value| {
            all.push((text(key), value.map(text)))
        });
        all
    }

    #[test]
    fn finds_members_with_and_without_space() {
        let found = members(r#"{"Messages": [{"Body":"a b" , "Count" : 3, "Handle" : "x=="}]}"#);
        let expected = [
            ("Messages", None),
            ("Body", Some("a b")),
            ("Count", None),
            ("Handle", Some("x==")),
        ];
        assert_eq!(
            found,
            expected.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)))
        );
    }

    #[test]
    fn a_body_cannot_forge_a_member() {
        let found = members(r#"{"Body":"\"Handle\":\"evil\"\\","Handle":"good"}"#);
        assert_eq!(found[1], ("Handle".to_owned(), Some("good".to_owned())));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn truncated_json_ends_the_scan() {
        assert_eq!(members(r#"{"Body":"abc"#), []);
        assert_eq!(members(r#"{"Body":"abc\"#), []);
        assert_eq!(members(""), []);
    }
}
