//! A policy's text and where its statements stand in it. JSON is only walked over here, never
//! written anew: a writer of numbers and escapes may change from version to version.

use std::ops::Range;

use serde::de::IgnoredAny;

#[derive(Debug)]
pub(super) struct Document<'a> {
    text: &'a str,
    /// Of the value of `Statement`; where a member can be put in if there is none.
    place: Place,
    pub(super) statements: Vec<Statement<'a>>,
}

#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) text: &'a str,
    /// Its `Sid`.
    pub(super) label: Option<String>,
}

#[derive(Debug)]
enum Place {
    Value(Range<usize>),
    /// Before the closing brace, after other members or none.
    NewMember {
        at: usize,
        first: bool,
    },
}

impl<'a> Document<'a> {
    /// `None` unless the text is an object and its `Statement`, if there is one, an object or a list
    /// of objects.
    pub(super) fn parse(text: &'a str) -> Option<Document<'a>> {
        let mut scanner = Scanner { text, at: 0 };
        let members = scanner.members()?;
        let end = scanner.at;
        scanner.skip_space();
        if scanner.at < text.len() {
            return None;
        }
        // Readers of JSON let the last of equal names count.
        let place = members.iter().rfind(|(name, _)| name == "Statement");
        let Some((_, value)) = place else {
            let (at, first) = (end - 1, members.is_empty());
            return Some(Document {
                text,
                place: Place::NewMember { at, first },
                statements: Vec::new(),
            });
        };
        let parts = match text.as_bytes()[value.start] {
            b'[' => Scanner {
                text,
                at: value.start,
            }
            .elements()?,
            _ => vec![value.clone()],
        };
        let statements = parts.into_iter().map(|part| Statement::parse(&text[part]));
        Some(Document {
            text,
            place: Place::Value(value.clone()),
            statements: statements.collect::<Option<_>>()?,
        })
    }

    /// The same text with these statements in place of its own.
    pub(super) fn with_statements(&self, statements: &[&str]) -> String {
        let list = format!("[{}]", statements.join(","));
        let (range, new) = match &self.place {
            Place::Value(range) => (range.clone(), list),
            Place::NewMember { at, first } => {
                let comma = if *first { "" } else { "," };
                (*at..*at, format!(r#"{comma}"Statement":{list}"#))
            }
        };
        [&self.text[..range.start], &new, &self.text[range.end..]].concat()
    }
}

impl<'a> Statement<'a> {
    fn parse(text: &'a str) -> Option<Statement<'a>> {
        let members = Scanner { text, at: 0 }.members()?;
        let label = members.into_iter().rfind(|(name, _)| name == "Sid");
        let label = label.and_then(|(_, value)| serde_json::from_str(&text[value]).ok());
        Some(Statement { text, label })
    }
}

/// Walks over valid JSON. Everything it is asked for is `None` where the text is something else.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    /// The members of an object: names and where their values are.
    fn members(&mut self) -> Option<Vec<(String, Range<usize>)>> {
        let mut members = Vec::new();
        self.list(b'{', b'}', |scanner| {
            let name = scanner.value()?;
            let name = &scanner.text[name];
            name.starts_with('"').then_some(())?;
            // A name with half of a surrogate pair is no text at all, and none that we look for.
            let name = serde_json::from_str(name).unwrap_or_default();
            scanner.take(b':').then_some(())?;
            members.push((name, scanner.value()?));
            Some(())
        })?;
        Some(members)
    }

    fn elements(&mut self) -> Option<Vec<Range<usize>>> {
        let mut elements = Vec::new();
        self.list(b'[', b']', |scanner| {
            elements.push(scanner.value()?);
            Some(())
        })?;
        Some(elements)
    }

    /// What stands between two brackets, separated by commas.
    fn list(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open).then_some(())?;
        if self.take(close) {
            return Some(());
        }
        // Every round takes at least one byte of the text.
        loop {
            item(self)?;
            if self.take(close) {
                return Some(());
            }
            self.take(b',').then_some(())?;
        }
    }

    fn skip_space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(|byte| space(byte)).count();
    }

    /// Whether this byte comes next.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// Where the next value is, of any kind.
    fn value(&mut self) -> Option<Range<usize>> {
        self.skip_space();
        let start = self.at;
        let rest = serde_json::Deserializer::from_str(&self.text[start..]);
        let mut values = rest.into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(start..self.at)
    }
}
