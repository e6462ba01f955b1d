//! `squorum.deliver-at`: a message attribute like any other, by which a standard queue's message says
//! when receivers may see it.

use squorum_types::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Attribute, Value};
use crate::error::ApiError;

pub(crate) const DELIVER_AT: &str = "squorum.deliver-at";

const FORM: &str = "Must be a Number of milliseconds since the Unix epoch, or a String with such a \
                    number or an RFC 3339 time like 2027-03-01T09:00:00Z.";
const SECONDS: &str = "Must be milliseconds since the Unix epoch; this looks like seconds.";
/// Taken for milliseconds these lie in 1970 to 1973, and the message would come at once; taken for
/// seconds they lie after 2001.
const LIKELY_SECONDS: std::ops::Range<u64> = 1_000_000_000..100_000_000_000;
const NANOSECONDS_PER_MS: i128 = 1_000_000;

/// The attribute's text as the sender gave it, and the time that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeliverAt<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: Timestamp,
}

/// The time that checked attributes name, if one does.
pub(crate) fn deliver_at_of<'a>(
    attributes: &[Attribute<'a>],
) -> Result<Option<DeliverAt<'a>>, ApiError> {
    let Some(attribute) = attributes.iter().find(|one| one.name == DELIVER_AT) else {
        return Ok(None);
    };
    let Value::Text(text) = attribute.value else {
        return Err(ApiError::invalid(attribute.data_type, DELIVER_AT, FORM));
    };
    let at = if is_digits(text) {
        // What has more digits lies beyond every retention, and is refused for that.
        let at_ms = text.parse().unwrap_or(u64::MAX);
        if LIKELY_SECONDS.contains(&at_ms) {
            return Err(ApiError::invalid(text, DELIVER_AT, SECONDS));
        }
        Timestamp(at_ms)
    } else if attribute.data_type.starts_with("Number") {
        return Err(ApiError::invalid(text, DELIVER_AT, FORM));
    } else {
        rfc_3339(text).ok_or_else(|| ApiError::invalid(text, DELIVER_AT, FORM))?
    };
    Ok(Some(DeliverAt { text, at }))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first millisecond that is not before the time; the epoch for what lies before it.
fn rfc_3339(text: &str) -> Option<Timestamp> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let nanoseconds = time.unix_timestamp_nanos().max(0);
    let at_ms = (nanoseconds + NANOSECONDS_PER_MS - 1) / NANOSECONDS_PER_MS;
    u64::try_from(at_ms).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn attribute<'a>(data_type: &'a str, text: &'a str) -> Attribute<'a> {
        let value = Value::Text(text);
        Attribute {
            name: DELIVER_AT,
            data_type,
            value,
        }
    }

    #[test]
    fn times_in_every_form() {
        let at_ms = 1_803_891_600_000;
        for (data_type, text, expected_ms) in [
            ("Number", "1803891600000", at_ms),
            ("Number.epoch", "1803891600000", at_ms),
            ("String", "1803891600000", at_ms),
            ("String", "2027-03-01T09:00:00Z", at_ms),
            ("String", "2027-03-01T10:30:00+01:30", at_ms),
            ("String.time", "2027-02-28T23:00:00.000-10:00", at_ms),
            ("String", "2027-03-01T09:00:00.25Z", at_ms + 250),
            // Never before its time.
            ("String", "2027-03-01T09:00:00.0000001Z", at_ms + 1),
            ("String", "2027-03-01T09:00:00.001000Z", at_ms + 1),
            ("String", "1969-12-31T23:59:59Z", 0),
            ("Number", "0", 0),
            ("Number", "100000000000000000000000000000000000", u64::MAX),
        ] {
            let found = deliver_at_of(&[attribute(data_type, text)]).unwrap();
            let at = Timestamp(expected_ms);
            assert_eq!(found, Some(DeliverAt { text, at }), "{data_type} {text}");
        }
        let other = Attribute {
            name: "deliver-at",
            ..attribute("Number", "1803891600000")
        };
        assert_eq!(deliver_at_of(&[other]), Ok(None));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (data_type, text, reason) in [
            ("String", "tomorrow", FORM),
            ("String", "2027-03-01", FORM),
            // Nobody says where.
            ("String", "2027-03-01T09:00:00", FORM),
            ("String", "2027-02-30T09:00:00Z", FORM),
            ("String", " 1803891600000", FORM),
            ("String", "-1803891600000", FORM),
            ("Number", "-1", FORM),
            ("Number", "1.8e12", FORM),
            ("Number", "1803891600.5", FORM),
            ("Number", "1803891600", SECONDS),
            ("String", "1803891600", SECONDS),
        ] {
            let refused = deliver_at_of(&[attribute(data_type, text)]);
            assert_eq!(refused, Err(ApiError::invalid(text, DELIVER_AT, reason)));
        }
        let binary = Attribute {
            value: Value::Binary(b"1803891600000"),
            ..attribute("Binary.time", "")
        };
        let refused = ApiError::invalid("Binary.time", DELIVER_AT, FORM);
        assert_eq!(deliver_at_of(&[binary]), Err(refused));
    }
}
