//! Which messages a look shows.

use memchr::memmem;
use squorum_types::service::PeekedMessage;

use super::ShownMessage;

/// All conditions have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Somewhere in the body.
    pub(crate) body: Option<String>,
    /// Names and whole values of message attributes, or of system attributes. Binary values are
    /// compared in base64.
    pub(crate) attributes: Vec<(String, String)>,
}

impl Filter {
    /// Before the message is made for showing: bodies are most of the work.
    pub(crate) fn takes_body(&self, message: &PeekedMessage) -> bool {
        let wanted = self.body.as_ref();
        wanted.is_none_or(|text| memmem::find(&message.body, text.as_bytes()).is_some())
    }

    pub(crate) fn takes_attributes(&self, shown: &ShownMessage) -> bool {
        self.attributes.iter().all(|(name, value)| {
            let own = shown.message_attributes.get(name).and_then(|attribute| {
                let binary = attribute.binary_value.as_ref();
                attribute.string_value.as_ref().or(binary)
            });
            own.or_else(|| shown.attributes.get(name)) == Some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::shown::tests::message;
    use super::*;

    fn takes(body: Option<&str>, attributes: &[(&str, &str)]) -> bool {
        let attributes = attributes.iter();
        let filter = Filter {
            body: body.map(str::to_owned),
            attributes: attributes
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let message = message(b"order 17 for Ms H\xc3\xa4u\xc3\x9fer");
        let shown = ShownMessage::new(&message).unwrap();
        filter.takes_body(&message) && filter.takes_attributes(&shown)
    }

    #[test]
    fn every_condition_has_to_hold() {
        assert!(takes(None, &[]));
        assert!(takes(Some("17 for"), &[]));
        assert!(takes(Some("Häußer"), &[]));
        assert!(!takes(Some("order 18"), &[]));
        assert!(takes(None, &[("kind", "order")]));
        assert!(takes(None, &[("seal", "/wA=")]));
        assert!(takes(None, &[("MessageGroupId", "group")]));
        assert!(takes(
            Some("order"),
            &[("kind", "order"), ("ApproximateReceiveCount", "2")]
        ));
        for wrong in [
            ("kind", "orde"),
            ("kind", ""),
            ("Kind", "order"),
            ("none", ""),
        ] {
            assert!(!takes(None, &[("kind", "order"), wrong]), "{wrong:?}");
        }
    }
}
