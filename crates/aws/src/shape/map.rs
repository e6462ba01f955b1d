use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::{ELEMENTS_MAX, LIST_UNEXPECTED, Text};

/// A map in the request's order, of which at most [`ELEMENTS_MAX`] entries are kept. The last of
/// equal keys counts.
#[derive(Clone, Debug)]
pub(crate) struct Map<'a, V> {
    pub(crate) entries: Vec<(Text<'a>, V)>,
    /// Entries that the request had.
    pub(crate) total: usize,
}

impl<V> Map<'_, V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<V> Default for Map<'_, V> {
    fn default() -> Self {
        Map {
            entries: Vec::new(),
            total: 0,
        }
    }
}

impl<'a, V> From<Vec<(Text<'a>, V)>> for Map<'a, V> {
    fn from(entries: Vec<(Text<'a>, V)>) -> Self {
        let total = entries.len();
        Map { entries, total }
    }
}

impl<V: Serialize> Serialize for Map<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de: 'a, 'a, V: Deserialize<'de> + 'a> Deserialize<'de> for Map<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MapVisitor(PhantomData))
    }
}

struct MapVisitor<'a, V>(PhantomData<&'a V>);

impl<'de: 'a, 'a, V: Deserialize<'de> + 'a> Visitor<'de> for MapVisitor<'a, V> {
    type Value = Map<'a, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Map<'a, V>, A::Error> {
        let mut map: Map<'a, V> = Map::default();
        for _ in 0..ELEMENTS_MAX {
            let Some((key, value)) = access.next_entry::<Text<'a>, V>()? else {
                break;
            };
            match map.entries.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => *known = value,
                None => map.entries.push((key, value)),
            }
        }
        map.total = map.entries.len();
        while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            map.total += 1;
        }
        Ok(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Map<'a, V>, A::Error> {
        Err(de::Error::custom(LIST_UNEXPECTED))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Map<'a, V>, E> {
        Err(E::custom("Expected map or null"))
    }
}
