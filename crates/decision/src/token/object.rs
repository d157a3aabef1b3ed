//! A JSON object read strictly: every name once, each value left as text until its type is asked for.
//!
//! Parsers disagree on which of two equal names counts, so a token or key that repeats one could mean
//! one thing here and another at its issuer (RFC 7515 §4, RFC 7519 §4). What the members mean is not
//! known here.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::limits;

/// A JSON string, borrowed where it holds no escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

pub(super) struct Object<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// A member has another JSON type than it must have; `null` is a type of its own.
#[derive(Debug)]
pub(super) struct WrongType;

impl<'a> Object<'a> {
    /// `None`: not one JSON object and nothing else, a name twice, or more members than anyone needs.
    pub fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The member as a `T`; `Ok(None)` when it is absent.
    pub fn get<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, WrongType> {
        self.raw(name).map(typed).transpose()
    }

    pub fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, WrongType> {
        Ok(self.get::<Text<'a>>(name)?.map(|text| text.0))
    }

    /// The member as an array of strings; a single string stands for an array of one.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<Cow<'a, str>>>, WrongType> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        if value.get().starts_with('"') {
            return Ok(Some(vec![typed::<Text<'a>>(value)?.0]));
        }
        let texts: Vec<Text<'a>> = typed(value)?;
        Ok(Some(texts.into_iter().map(|text| text.0).collect()))
    }
}

fn typed<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Result<T, WrongType> {
    serde_json::from_str(value.get()).map_err(|_| WrongType)
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object { members: Vec::with_capacity(16) };
        while let Some(Text(name)) = map.next_key()? {
            if object.has(&name) {
                return Err(A::Error::custom("a name appears twice"));
            }
            if object.members.len() == limits::JSON_MEMBERS {
                return Err(A::Error::custom("too many members"));
            }
            object.members.push((name, map.next_value()?));
        }
        Ok(object)
    }
}
