use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode;

use crate::error::{ApiError, echo};

/// Parameters of one request; the longest that the protocol allows has some 500.
const PARAMETERS_MAX: usize = 4_096;
/// Parts of one name; the longest that the protocol knows has seven.
const NAME_PARTS_MAX: usize = 8;

/// A parameter, and those whose names go on from its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) value: Option<String>,
    pub(super) parts: BTreeMap<String, Parameter>,
}

/// Whether an encoded text of parameters names an action.
pub(crate) fn names_action(encoded: &str) -> bool {
    encoded.split('&').any(|pair| pair.starts_with("Action="))
}

impl Parameter {
    /// Reads encoded parameters, of which the last of a name counts. Later `sources` come after
    /// earlier ones.
    pub(super) fn read(sources: &[&[u8]]) -> Result<Parameter, ApiError> {
        let mut root = Parameter::default();
        let pairs = sources
            .iter()
            .flat_map(|source| source.split(|byte| *byte == b'&'));
        for (count, pair) in pairs.filter(|pair| !pair.is_empty()).enumerate() {
            if count == PARAMETERS_MAX {
                return Err(ApiError::Serialization {
                    message: format!("The request has more than {PARAMETERS_MAX} parameters"),
                });
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            root.insert(&name, value)?;
        }
        Ok(root)
    }

    fn insert(&mut self, name: &str, value: String) -> Result<(), ApiError> {
        let mut parameter = self;
        for (depth, part) in name.split('.').enumerate() {
            if depth == NAME_PARTS_MAX {
                let name = echo(name);
                return Err(ApiError::Serialization {
                    message: format!("The parameter name {name} has too many parts"),
                });
            }
            parameter = parameter.parts.entry(part.to_owned()).or_default();
        }
        parameter.value = Some(value);
        Ok(())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.parts.get(name)?.value.as_deref()
    }

    /// The elements of a collection in the order of their numbers. One without a number is the only
    /// one, as older clients write it; one that is empty is none, as boto3 writes an empty list.
    pub(super) fn elements(&self) -> Vec<&Parameter> {
        let numbered = self.parts.iter().filter_map(|(part, parameter)| {
            let number: u32 = part.parse().ok()?;
            Some((number, parameter))
        });
        let mut numbered: Vec<_> = numbered.collect();
        if numbered.is_empty() {
            let is_empty = self.parts.is_empty() && self.value.as_deref().unwrap_or("").is_empty();
            return if is_empty { Vec::new() } else { vec![self] };
        }
        numbered.sort_by_key(|(number, _)| *number);
        numbered
            .into_iter()
            .map(|(_, parameter)| parameter)
            .collect()
    }
}

fn decode(encoded: &[u8]) -> Result<String, ApiError> {
    let spaced: Cow<'_, [u8]> = match encoded.contains(&b'+') {
        true => encoded
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect(),
        false => encoded.into(),
    };
    let decoded: Vec<u8> = percent_decode(&spaced).collect();
    String::from_utf8(decoded).map_err(|_| ApiError::Serialization {
        message: "The request has a parameter that is not valid UTF-8".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let read = Parameter::read(&[b"a=x%26y+z&b%2E1=%C3%A4&c", b"a=later"]).unwrap();
        assert_eq!(read.text("a"), Some("later"));
        assert_eq!(read.parts["b"].text("1"), Some("ä"));
        assert_eq!(read.text("c"), Some(""));
    }

    #[test]
    fn elements_are_in_order() {
        let read = Parameter::read(&[b"N.10=c&N.2=b&N.1=a&N.x=d&M=only&E="]).unwrap();
        let texts = |name: &str| {
            let elements = read.parts[name].elements().into_iter();
            elements
                .filter_map(|element| element.value.as_deref())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts("N"), ["a", "b", "c"]);
        assert_eq!(texts("M"), ["only"]);
        assert!(texts("E").is_empty());
    }

    #[test]
    fn bad_and_endless_parameters_are_refused() {
        let many = "a=1&".repeat(PARAMETERS_MAX + 1);
        let deep = "a.".repeat(NAME_PARTS_MAX);
        for bad in [&b"a=%ff"[..], b"%ff=a", many.as_bytes(), deep.as_bytes()] {
            let refused = Parameter::read(&[bad]);
            assert!(
                matches!(refused, Err(ApiError::Serialization { .. })),
                "{refused:?}"
            );
        }
    }
}
