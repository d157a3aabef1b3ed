//! Which issuers there are, without reading the whole table for it every few minutes: the names are
//! kept in the note `mirror`, the stream adds new ones, and a scan makes the list anew once an hour.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::dynamodb::EventRecord;
use countersign_decision::limits;
use countersign_decision::time::Timestamp;
use countersign_store::entries::Entry;
use serde::{Deserialize, Serialize};
use serde_dynamo::AttributeValue;
use tokio::time::Instant;

use crate::report::{Code, JobError};
use crate::start::KeySync;

const NOTE: &str = "mirror";
const LISTED_ANEW: Duration = Duration::from_secs(3600);

/// The note: times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Issuers {
    listed_at: u64,
    /// When each was last looked at; zero: never.
    looked_at: BTreeMap<String, u64>,
    /// How many more there are than [`limits::MIRRORED_ISSUERS`].
    #[serde(default)]
    pub(super) beyond: u64,
}

impl Issuers {
    pub async fn read(key_sync: &KeySync) -> Result<Self, JobError> {
        let note = key_sync.table.read_note(NOTE).await.map_err(|error| JobError::table(&error))?;
        Ok(note.unwrap_or_default())
    }

    /// From the note, or from the table where the note is missing or old.
    pub async fn known(key_sync: &KeySync, until: Instant) -> Result<Self, JobError> {
        let known = Self::read(key_sync).await?;
        let now = key_sync.now();
        if now.age_of(Timestamp::from_millis(known.listed_at)) < LISTED_ANEW {
            return Ok(known);
        }
        let mut listed = Self { listed_at: now.as_millis(), ..Self::default() };
        let mut next = None;
        loop {
            let page = key_sync.table.scan(next, false).await.map_err(|error| JobError::table(&error))?;
            for entry in page.entries {
                if let Entry::Issuer { iss, .. } = entry {
                    let before = known.looked_at.get(&iss).copied().unwrap_or_default();
                    listed.beyond += u64::from(!listed.add(iss, before));
                }
            }
            next = page.next;
            if next.is_none() {
                return Ok(listed);
            }
            if Instant::now() >= until {
                let says = "the issuers of the table could not be listed before the deadline";
                return Err(JobError::new(Code::OutOfTime, says));
            }
        }
    }

    pub fn longest_waiting_first(&self) -> Vec<String> {
        let mut names: Vec<_> = self.looked_at.iter().collect();
        names.sort_by_key(|(_, at)| **at);
        names.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// Writes down what a run has come to. What another run has added meanwhile stays.
    pub async fn note(
        mut self,
        key_sync: &KeySync,
        looked_at: &[(String, Timestamp)],
        gone: &[String],
    ) -> Result<(), JobError> {
        let meanwhile = Self::read(key_sync).await?;
        if meanwhile.listed_at > self.listed_at {
            (self.listed_at, self.beyond) = (meanwhile.listed_at, meanwhile.beyond);
        }
        for (name, at) in meanwhile.looked_at {
            self.add(name, at);
        }
        for (name, at) in looked_at {
            if !self.add(name.clone(), at.as_millis()) {
                // Perhaps counted before; the next listing tells.
                self.beyond = self.beyond.max(1);
            }
        }
        for name in gone {
            self.looked_at.remove(name);
        }
        key_sync.table.write_note(NOTE, &self).await.map_err(|error| JobError::table(&error))
    }

    /// `false`: there is no room for it. What cannot be an issuer's name takes none.
    fn add(&mut self, name: String, at: u64) -> bool {
        if name.is_empty() || name.len() > limits::ISSUER {
            return true;
        }
        let fits = self.looked_at.len() < limits::MIRRORED_ISSUERS || self.looked_at.contains_key(&name);
        if fits {
            let known = self.looked_at.entry(name).or_default();
            *known = at.max(*known);
        }
        fits
    }
}

/// The issuers whose records have changed, each once.
pub fn issuers_in(records: &[EventRecord]) -> Vec<String> {
    let mut names: Vec<_> = records.iter().filter_map(issuer_of).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn issuer_of(record: &EventRecord) -> Option<String> {
    match record.change.keys.get("pk") {
        Some(AttributeValue::S(pk)) => pk.strip_prefix("issuer#").map(str::to_owned),
        _ => None,
    }
}
