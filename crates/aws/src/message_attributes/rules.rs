//! What a message attribute may be.

use squorum_types::limits::{MESSAGE_ATTRIBUTE_NAME_BYTES_MAX, MESSAGE_ATTRIBUTES_MAX};

use super::{Attribute, Value};
use crate::error::echo;
use crate::generated::{ErrorShape, MessageAttributeValue, MessageSystemAttributeValue};
use crate::shape::Map;
use crate::validation::has_only_valid_characters;

const TRACE_HEADER: &str = "AWSTraceHeader";
const NUMBER_DIGITS_MAX: usize = 38;

/// Why message attributes were refused, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageAttributeError {
    #[error("Number of message attributes [{0}] exceeds the allowed maximum [10].")]
    TooMany(usize),
    #[error("The request must contain non-empty message (user) attribute names.")]
    EmptyName,
    #[error("Message (user) attribute name must be shorter than 256 bytes.")]
    NameTooLong,
    #[error(
        "Message (user) attribute name '{0}' is invalid. It can contain letters, digits, periods, \
         hyphens and underscores, and periods neither at its ends nor in sequence."
    )]
    NameInvalid(String),
    #[error(
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings \
         are reserved for internal use."
    )]
    NameReserved,
    #[error("The message attribute '{0}' must contain non-empty message attribute type.")]
    EmptyType(String),
    #[error("Message (user) attribute type must be shorter than 256 bytes.")]
    TypeTooLong,
    #[error(
        "The message attribute '{0}' has an invalid message attribute type, the set of supported \
         type prefixes is Binary, Number, and String."
    )]
    TypeInvalid(String),
    #[error("Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'.")]
    EmptyValue { name: String, kind: &'static str },
    #[error("Message attribute list values in SendMessage operation are not supported.")]
    ListValue,
    #[error("The message attribute '{name}' with type '{data_type}' must use field '{field}'.")]
    WrongField {
        name: String,
        data_type: String,
        field: &'static str,
    },
    #[error("Can't cast the value of message (user) attribute '{0}' to a number.")]
    NotANumber(String),
    #[error(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
         #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )]
    InvalidCharacters,
    #[error("Message system attribute name '{0}' is invalid.")]
    SystemNameInvalid(String),
    #[error("The type of message system attribute 'AWSTraceHeader' is invalid. It must be String.")]
    SystemTypeInvalid,
    #[error("The message system attribute 'AWSTraceHeader' must contain 1 to 1024 bytes of text.")]
    SystemValueInvalid,
}

impl MessageAttributeError {
    pub(crate) fn shape(&self) -> ErrorShape {
        match self {
            MessageAttributeError::ListValue => ErrorShape::UnsupportedOperation,
            _ => ErrorShape::InvalidParameterValueException,
        }
    }
}

/// Size of attributes as AWS counts it: names, types and values. Needs no check before.
pub(crate) fn bytes_of(attributes: &Map<'_, MessageAttributeValue<'_>>) -> usize {
    let bytes = |(name, value): &(crate::shape::Text<'_>, MessageAttributeValue<'_>)| {
        name.len()
            + value.data_type.as_ref().map_or(0, |text| text.len())
            + value.string_value.as_ref().map_or(0, |text| text.len())
            + value.binary_value.as_ref().map_or(0, |blob| blob.0.len())
    };
    attributes.entries.iter().map(bytes).sum()
}

/// Checks attributes and gives them sorted by name.
pub(crate) fn check_attributes<'a>(
    attributes: &'a Map<'_, MessageAttributeValue<'_>>,
) -> Result<Vec<Attribute<'a>>, MessageAttributeError> {
    if attributes.total > MESSAGE_ATTRIBUTES_MAX {
        return Err(MessageAttributeError::TooMany(attributes.total));
    }
    let mut checked = Vec::with_capacity(attributes.entries.len());
    for (name, value) in &attributes.entries {
        checked.push(check_attribute(name, value)?);
    }
    checked.sort_unstable_by_key(|attribute| attribute.name);
    Ok(checked)
}

fn check_attribute<'a>(
    name: &'a str,
    value: &'a MessageAttributeValue<'_>,
) -> Result<Attribute<'a>, MessageAttributeError> {
    use MessageAttributeError as E;
    check_name(name)?;
    let lists = [
        value.string_list_values.as_ref().map(|list| list.total),
        value.binary_list_values.as_ref().map(|list| list.total),
    ];
    if lists.into_iter().flatten().any(|total| total > 0) {
        return Err(E::ListValue);
    }
    let data_type = value.data_type.as_deref().unwrap_or("");
    if data_type.is_empty() {
        return Err(E::EmptyType(echo(name)));
    }
    if data_type.len() > MESSAGE_ATTRIBUTE_NAME_BYTES_MAX {
        return Err(E::TypeTooLong);
    }
    let (prefix, label) = data_type.split_once('.').unwrap_or((data_type, "-"));
    if label.is_empty() || !has_only_valid_characters(label) {
        return Err(E::TypeInvalid(echo(name)));
    }
    let value = match prefix {
        "String" => text_value(name, value, "String")?,
        "Number" => number_value(name, value)?,
        "Binary" => binary_value(name, value)?,
        _ => return Err(E::TypeInvalid(echo(name))),
    };
    Ok(Attribute {
        name,
        data_type,
        value,
    })
}

fn check_name(name: &str) -> Result<(), MessageAttributeError> {
    use MessageAttributeError as E;
    if name.is_empty() {
        return Err(E::EmptyName);
    }
    if name.len() > MESSAGE_ATTRIBUTE_NAME_BYTES_MAX {
        return Err(E::NameTooLong);
    }
    // AWS takes letters beyond ASCII, whatever its documentation says.
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if dots || !name.chars().all(allowed) {
        return Err(E::NameInvalid(echo(name)));
    }
    let begins_with = |prefix: &str| {
        name.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    if begins_with("AWS.") || begins_with("Amazon.") {
        return Err(E::NameReserved);
    }
    Ok(())
}

fn text_value<'a>(
    name: &str,
    value: &'a MessageAttributeValue<'_>,
    kind: &'static str,
) -> Result<Value<'a>, MessageAttributeError> {
    use MessageAttributeError as E;
    if value.binary_value.is_some() {
        return Err(wrong_field(name, value, "StringValue"));
    }
    let text = value.string_value.as_deref().unwrap_or("");
    if text.is_empty() {
        let name = echo(name);
        return Err(E::EmptyValue { name, kind });
    }
    if !has_only_valid_characters(text) {
        return Err(E::InvalidCharacters);
    }
    Ok(Value::Text(text))
}

fn number_value<'a>(
    name: &str,
    value: &'a MessageAttributeValue<'_>,
) -> Result<Value<'a>, MessageAttributeError> {
    let number = text_value(name, value, "Number")?;
    match number {
        Value::Text(text) if is_number(text) => Ok(number),
        _ => Err(MessageAttributeError::NotANumber(echo(name))),
    }
}

fn binary_value<'a>(
    name: &str,
    value: &'a MessageAttributeValue<'_>,
) -> Result<Value<'a>, MessageAttributeError> {
    if value.string_value.is_some() {
        return Err(wrong_field(name, value, "BinaryValue"));
    }
    match &value.binary_value {
        Some(blob) if !blob.0.is_empty() => Ok(Value::Binary(&blob.0)),
        _ => Err(MessageAttributeError::EmptyValue {
            name: echo(name),
            kind: "Binary",
        }),
    }
}

fn wrong_field(
    name: &str,
    value: &MessageAttributeValue<'_>,
    field: &'static str,
) -> MessageAttributeError {
    MessageAttributeError::WrongField {
        name: echo(name),
        data_type: echo(value.data_type.as_deref().unwrap_or("")),
        field,
    }
}

/// A decimal number of at most 38 digits, with sign, point and exponent.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let points = mantissa.bytes().filter(|byte| *byte == b'.').count();
    let exponent_is_valid = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    (1..=NUMBER_DIGITS_MAX).contains(&digits)
        && points <= 1
        && digits + points == mantissa.len()
        && exponent_is_valid
}

/// Checks system attributes, of which a sender can give one: the trace header.
pub(crate) fn check_system_attributes<'a>(
    attributes: &'a Map<'_, MessageSystemAttributeValue<'_>>,
) -> Result<Option<Attribute<'a>>, MessageAttributeError> {
    use MessageAttributeError as E;
    let other = |(name, _): &&(crate::shape::Text<'_>, _)| name.as_str() != TRACE_HEADER;
    if let Some((name, _)) = attributes.entries.iter().find(other) {
        return Err(E::SystemNameInvalid(echo(name)));
    }
    let Some((name, value)) = attributes.entries.first() else {
        return Ok(None);
    };
    let data_type = value.data_type.as_deref().unwrap_or("");
    if data_type != "String" {
        return Err(E::SystemTypeInvalid);
    }
    let text = value.string_value.as_deref().unwrap_or("");
    if !is_trace_header(text) {
        return Err(E::SystemValueInvalid);
    }
    Ok(Some(Attribute {
        name,
        data_type,
        value: Value::Text(text),
    }))
}

/// Whether a text can be kept as `AWSTraceHeader`.
pub(crate) fn is_trace_header(text: &str) -> bool {
    (1..=1024).contains(&text.len()) && has_only_valid_characters(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let digits = "1".repeat(38);
        for number in ["0", "-1.5", "+2", ".5", "5.", "1e10", "1.2E-100", &digits] {
            assert!(is_number(number), "{number}");
        }
        let digits = "1".repeat(39);
        for text in [
            "", "-", ".", "1..2", "0x10", "1e", "e5", "NaN", "inf", "1_0", " 1", &digits,
        ] {
            assert!(!is_number(text), "{text}");
        }
    }
}
