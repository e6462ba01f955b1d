//! Messages as text: one line each.

use squorum_types::Timestamp;

use crate::peek::{PeekAnswer, ShownMessage};
use crate::status::{plain_table, table_text};

/// Of a body, so that a line stays a line.
const BODY_CHARACTERS_MAX: usize = 60;

pub(super) fn messages(answer: &PeekAnswer, now: Timestamp) -> String {
    let mut text = String::new();
    if answer.messages.is_empty() {
        text.push_str("No messages");
        let looked_at = answer.looked_at;
        text.push_str(&format!(" among {looked_at} that were looked at.\n"));
    } else {
        let mut table = plain_table(&["MESSAGE", "SENT", "RECEIVES", "GROUP", "VISIBLE", "BODY"]);
        for message in &answer.messages {
            table.add_row(row(message, now));
        }
        text.push_str(&table_text(&table));
    }
    if let Some(token) = &answer.next_token {
        text.push_str(&format!("There may be more: --token {token}\n"));
    }
    text
}

fn row(message: &ShownMessage, now: Timestamp) -> [String; 6] {
    let attribute = |name: &str| message.attributes.get(name).cloned().unwrap_or_default();
    let sent_at = attribute("SentTimestamp").parse().map_or(now, Timestamp);
    let visible = match message.visible_at {
        None => "now".to_owned(),
        Some(at_ms) => format!("in {}", duration(Timestamp(at_ms).ms_since(now))),
    };
    let group = attribute("MessageGroupId");
    [
        message.message_id.clone(),
        format!("{} ago", duration(now.ms_since(sent_at))),
        attribute("ApproximateReceiveCount"),
        if group.is_empty() {
            "-".to_owned()
        } else {
            group
        },
        visible,
        body(message),
    ]
}

fn body(message: &ShownMessage) -> String {
    let text = message.body.as_ref().or(message.body_base64.as_ref());
    let text = text.map(String::as_str).unwrap_or_default();
    // Control characters must not reach a terminal.
    let shown: String = text
        .chars()
        .take(BODY_CHARACTERS_MAX)
        .flat_map(|character| {
            let escaped = character.is_control().then(|| character.escape_default());
            let plain = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    let is_cut = text.chars().nth(BODY_CHARACTERS_MAX).is_some();
    if is_cut { shown + "…" } else { shown }
}

/// Two units at most, as people say it.
fn duration(ms: u64) -> String {
    let seconds = ms.div_ceil(1000);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m{}s", seconds % 60),
        3_600..86_400 => format!("{hours}h{}m", minutes % 60),
        _ => format!("{days}d{}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn message(body: &str, visible_at: Option<u64>, group: &str) -> ShownMessage {
        let mut attributes = BTreeMap::from([
            ("SentTimestamp".to_owned(), "1000".to_owned()),
            ("ApproximateReceiveCount".to_owned(), "2".to_owned()),
        ]);
        if !group.is_empty() {
            attributes.insert("MessageGroupId".to_owned(), group.to_owned());
        }
        ShownMessage {
            message_id: "id".to_owned(),
            body: Some(body.to_owned()),
            body_base64: None,
            md5_of_body: String::new(),
            attributes,
            message_attributes: BTreeMap::new(),
            visible_at,
            partition: 0,
        }
    }

    #[test]
    fn a_line_for_each_message() {
        let answer = PeekAnswer {
            messages: vec![
                message("hello", None, ""),
                message("two\nlines \u{1b}[31m", Some(7_265_000), "g"),
                message(&"ü".repeat(61), Some(66_000), ""),
            ],
            next_token: Some("TOKEN".to_owned()),
            looked_at: 9,
        };
        let long = "ü".repeat(60);
        let expected = format!(
            "\
 MESSAGE  SENT     RECEIVES  GROUP  VISIBLE   BODY
 id       1m4s ago  2         -      now       hello
 id       1m4s ago  2         g      in 2h0m   two\\nlines \\u{{1b}}[31m
 id       1m4s ago  2         -      in 1s     {long}…
There may be more: --token TOKEN
"
        );
        let words = |text: &str| -> Vec<Vec<String>> {
            let lines = text.lines();
            lines
                .map(|line| line.split_whitespace().map(str::to_owned).collect())
                .collect()
        };
        let shown = messages(&answer, Timestamp(65_000));
        assert_eq!(words(&shown), words(&expected));
        let nothing = PeekAnswer {
            looked_at: 9,
            ..PeekAnswer::default()
        };
        assert_eq!(
            messages(&nothing, Timestamp(0)),
            "No messages among 9 that were looked at.\n"
        );
    }

    #[test]
    fn durations() {
        for (ms, expected) in [
            (0, "0s"),
            (1, "1s"),
            (59_000, "59s"),
            (61_000, "1m1s"),
            (3_660_000, "1h1m"),
            (90_000_000, "1d1h"),
        ] {
            assert_eq!(duration(ms), expected);
        }
    }
}
