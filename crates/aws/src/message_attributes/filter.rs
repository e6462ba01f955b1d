use crate::shape::Text;

/// Which message attributes a receive asks for: names, `All`, `.*`, `prefix.*` and `prefix*`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter<'a> {
    all: bool,
    names: Vec<&'a str>,
    prefixes: Vec<&'a str>,
}

impl<'a> Filter<'a> {
    pub(crate) fn new(patterns: &'a [Text<'a>]) -> Filter<'a> {
        let mut filter = Filter::default();
        for pattern in patterns.iter().map(Text::as_str) {
            let prefix = pattern
                .strip_suffix(".*")
                .or_else(|| pattern.strip_suffix('*'));
            match prefix {
                Some("") => filter.all = true,
                Some(prefix) => filter.prefixes.push(prefix),
                None if pattern == "All" => filter.all = true,
                None => filter.names.push(pattern),
            }
        }
        filter
    }

    pub(crate) fn is_none(&self) -> bool {
        !self.all && self.names.is_empty() && self.prefixes.is_empty()
    }

    pub(crate) fn takes(&self, name: &str) -> bool {
        self.all
            || self.names.contains(&name)
            || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_as_aws_does() {
        let names = ["Help.Me", "Hello", "General"];
        for (patterns, expected) in [
            (&[][..], &[][..]),
            (&["All"], &names),
            (&[".*"], &names),
            (&["*"], &names),
            (&["Help.*"], &["Help.Me"]),
            (&["He*"], &["Help.Me", "Hello"]),
            (&["Hello", "Gen.*"], &["Hello", "General"]),
            (&["hello"], &[]),
        ] {
            let patterns: Vec<_> = patterns.iter().map(|text| Text::from(*text)).collect();
            let filter = Filter::new(&patterns);
            let taken: Vec<_> = names
                .into_iter()
                .filter(|name| filter.takes(name))
                .collect();
            assert_eq!(taken, expected, "{patterns:?}");
            assert_eq!(filter.is_none(), patterns.is_empty());
        }
    }
}
