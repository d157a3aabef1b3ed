//! The objects of API Gateway's events whose names a caller chose: headers and query parameters.
//!
//! Read as lists of lines, not maps, so that a name that comes twice is seen twice. Everything borrows
//! from the payload; only a string with an escape is copied. No more than `KEPT` lines are kept: one
//! more than the reader takes shows it the excess.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

pub use countersign_decision::request::Line;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A string that is borrowed unless it has an escape.
#[derive(Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Header lines of a usual request behind an edge.
const USUAL: usize = 40;

/// `{"Name": "value"}`
pub struct SingleLines<'a, const KEPT: usize>(pub Vec<Line<'a>>);

impl<'de: 'a, 'a, const KEPT: usize> Deserialize<'de> for SingleLines<'a, KEPT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<const KEPT: usize>;

        impl<'de, const KEPT: usize> Visitor<'de> for Object<KEPT> {
            type Value = SingleLines<'de, KEPT>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut lines = Vec::with_capacity(USUAL);
                while let Some((Text(name), Text(value))) = object.next_entry()? {
                    if lines.len() < KEPT {
                        lines.push((name, value));
                    }
                }
                Ok(SingleLines(lines))
            }
        }

        deserializer.deserialize_map(Object::<KEPT>)
    }
}

/// `{"Name": ["first", "second"]}`
pub struct MultiLines<'a, const KEPT: usize>(pub Vec<Line<'a>>);

impl<'de: 'a, 'a, const KEPT: usize> Deserialize<'de> for MultiLines<'a, KEPT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<const KEPT: usize>;

        impl<'de, const KEPT: usize> Visitor<'de> for Object<KEPT> {
            type Value = MultiLines<'de, KEPT>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of lists of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut lines = Vec::with_capacity(USUAL);
                while let Some(Text(name)) = object.next_key()? {
                    object.next_value_seed(Values::<KEPT> { name, lines: &mut lines })?;
                }
                Ok(MultiLines(lines))
            }
        }

        deserializer.deserialize_map(Object::<KEPT>)
    }
}

/// The values of one name, each a line of its own.
struct Values<'l, 'de, const KEPT: usize> {
    name: Cow<'de, str>,
    lines: &'l mut Vec<Line<'de>>,
}

impl<'de, const KEPT: usize> DeserializeSeed<'de> for Values<'_, 'de, KEPT> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, const KEPT: usize> Visitor<'de> for Values<'_, 'de, KEPT> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while self.lines.len() < KEPT {
            let Some(Text(value)) = values.next_element()? else { return Ok(()) };
            self.lines.push((self.name.clone(), value));
        }
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
