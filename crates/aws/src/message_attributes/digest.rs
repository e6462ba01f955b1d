//! The MD5s that clients verify.

use md5::{Digest, Md5};

use super::{Attribute, Value};

const TRANSPORT_TEXT: u8 = 1;
const TRANSPORT_BINARY: u8 = 2;

pub(crate) fn digest_body(body: &[u8]) -> [u8; 16] {
    Md5::digest(body).into()
}

/// MD5 over attributes, which must be sorted by name; `None` if there are none.
pub(crate) fn digest_attributes<'a>(
    attributes: impl IntoIterator<Item = Attribute<'a>>,
) -> Option<[u8; 16]> {
    let mut hasher = Md5::new();
    let mut any = false;
    for attribute in attributes {
        any = true;
        update(&mut hasher, attribute.name.as_bytes());
        update(&mut hasher, attribute.data_type.as_bytes());
        hasher.update([match attribute.value {
            Value::Text(_) => TRANSPORT_TEXT,
            Value::Binary(_) => TRANSPORT_BINARY,
        }]);
        update(&mut hasher, attribute.value.bytes());
    }
    any.then(|| hasher.finalize().into())
}

fn update(hasher: &mut Md5, field: &[u8]) {
    let length = u32::try_from(field.len()).expect("a request is shorter than 4 GiB");
    hasher.update(length.to_be_bytes());
    hasher.update(field);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::hex;

    fn attribute<'a>(name: &'a str, data_type: &'a str, value: Value<'a>) -> Attribute<'a> {
        Attribute {
            name,
            data_type,
            value,
        }
    }

    #[test]
    fn digests_are_those_of_aws() {
        let text = attribute("attribName1", "String", Value::Text("attribValue 1"));
        let number = attribute(
            "customNumberTypeAttrib",
            "Number.float",
            Value::Text("4563442423554324324264524243.32543234"),
        );
        let binary = attribute(
            "binaryAttribute",
            "Binary",
            Value::Binary(b"Hello binary world!"),
        );
        let timestamp = attribute("timestamp", "Number", Value::Text("1493147359900"));
        let bigint = attribute(
            "UserId",
            "Number.bigint",
            Value::Text("1234567890123456789012"),
        );
        for (attributes, expected) in [
            (vec![text], "19e27d4e946b072f3f58da80d94fd778"),
            (vec![number], "9fe1b90bbd9965bdf77bac517c7d2495"),
            (vec![binary], "31a92b15d92f8db860eda32aceb656c3"),
            (
                vec![text, binary, number],
                "c932db14a896c663f83c260297d594ff",
            ),
            (vec![timestamp], "235c5c510d26fb653d073faed50ae77c"),
            (vec![bigint], "797ab158d73dcb5242dedc4412c8e855"),
        ] {
            let digest = digest_attributes(attributes).map(|digest| hex(&digest));
            assert_eq!(digest.as_deref(), Some(expected));
        }
        assert_eq!(digest_attributes([]), None);
        assert_eq!(
            hex(&digest_body(b"Test Message")),
            "d1d4180b7e411c4be86b00fb2ee103eb"
        );
    }
}
