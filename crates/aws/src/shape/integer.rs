use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::{LIST_UNEXPECTED, MAP_UNEXPECTED};

/// A whole number, also one that comes as a text. Ranges are checked by who knows the parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Integer(pub(crate) i64);

impl From<u64> for Integer {
    /// The largest there is for what is larger.
    fn from(value: u64) -> Integer {
        Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntegerVisitor)
    }
}

struct IntegerVisitor;

impl<'de> Visitor<'de> for IntegerVisitor {
    type Value = Integer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Integer, E> {
        Ok(Integer(value))
    }

    /// Beyond every range anyway, so it need not be kept exactly.
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Integer, E> {
        Ok(Integer(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Integer, E> {
        if value.fract() == 0.0 {
            // The cast saturates.
            Ok(Integer(value as i64))
        } else {
            Err(E::custom(
                "DECIMAL_VALUE can not be converted to an Integer",
            ))
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Integer, E> {
        let number = text.trim().parse().map(Integer);
        number.map_err(|_| E::custom("STRING_VALUE can not be converted to an Integer"))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Integer, E> {
        Err(E::custom(if value {
            "TRUE_VALUE can not be converted to an Integer"
        } else {
            "FALSE_VALUE can not be converted to an Integer"
        }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Integer, A::Error> {
        Err(de::Error::custom(LIST_UNEXPECTED))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Integer, A::Error> {
        Err(de::Error::custom(MAP_UNEXPECTED))
    }
}
