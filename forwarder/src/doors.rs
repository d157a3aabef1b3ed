//! The edge's own doors, under `/.countersign`: key look-ups, the probe, log lines.
//!
//! Nobody but the edge gets here: the authorizer says `inside` only for a request that the edge signed
//! as its own. It says so for no other path, which is checked here all the same.

mod keys;
mod logs;

use std::sync::Arc;

use bytes::Bytes;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::path::INSIDE;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_store::KeyTable;

use self::keys::Keys;
use crate::answer::{Headers, json_type, no_store};
use crate::event::Request;
use crate::failure::Failure;

pub struct Doors {
    keys: Keys,
}

/// What a door answers, and its name for the audit line.
pub struct Opened {
    pub code: &'static str,
    pub status: u16,
    pub headers: Headers,
    pub body: Bytes,
}

impl Opened {
    fn json(code: &'static str, body: String) -> Self {
        Self { code, status: 200, headers: vec![json_type(), no_store()], body: body.into() }
    }
}

impl Doors {
    pub fn new(table: Arc<KeyTable>, lifetimes: Lifetimes) -> Self {
        Self { keys: Keys::new(table, lifetimes) }
    }

    /// For a request with `inside` in its context, and with a body that was checked.
    pub async fn open(&self, request: &Request<'_>, moment: Moment, notes: &Notes) -> Result<Opened, Failure> {
        let door = Door::of(&request.path).ok_or(Failure::InsideUnknown)?;
        if request.method != door.method() {
            return Err(Failure::InsideMethod(door.method()));
        }
        Ok(match door {
            Door::Key(hash) => Opened::json("inside_key", self.keys.public_part(hash, moment, notes).await?),
            Door::Probe => Opened { code: "inside_probe", status: 204, headers: vec![no_store()], body: Bytes::new() },
            Door::Logs => Opened::json("inside_logs", logs::write(&request.body)?),
        })
    }
}

#[derive(Debug, Eq, PartialEq)]
enum Door<'p> {
    /// Of a key with this hash.
    Key(&'p str),
    Probe,
    Logs,
}

impl<'p> Door<'p> {
    /// Doors are named plainly, without escapes. The base path of a custom domain may stand before them.
    fn of(path: &'p str) -> Option<Self> {
        let (_, below) = path.split_once(INSIDE)?;
        match below.strip_prefix('/')? {
            "probe" => Some(Self::Probe),
            "logs" => Some(Self::Logs),
            name => name.strip_prefix("keys/").map(Self::Key),
        }
    }

    const fn method(&self) -> &'static str {
        match self {
            Self::Key(_) | Self::Probe => "GET",
            Self::Logs => "POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_named_plainly() {
        for (path, door) in [
            ("/.countersign/probe", Some(Door::Probe)),
            ("/.countersign/logs", Some(Door::Logs)),
            ("/base/.countersign/keys/ab", Some(Door::Key("ab"))),
            ("/.countersign/keys/", Some(Door::Key(""))),
            ("/.countersign/keys", None),
            ("/.countersign/probe/", None),
            ("/.countersign", None),
            ("/.countersign-else/probe", None),
            ("/.COUNTERSIGN/probe", None),
            ("/%2ecountersign/probe", None),
            ("/items", None),
        ] {
            assert_eq!(Door::of(path), door, "{path}");
        }
    }
}
