//! `IDENTITY_HEADERS`: which header tells a back end which entry of the authorizer's context.

use super::can_be_sent;
use super::names::{is_of_a_connection, plain};
use crate::identity::Identity;

/// Headers that the forwarder sets alone, and those that steer the way of a request.
const TAKEN: [&str; 7] = [
    "cf-ray",
    "signature",
    "signature-input",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// Entries of the context, and the header that each becomes.
#[derive(Debug, Eq, PartialEq)]
pub struct IdentityHeaders(pub(super) Vec<Entry>);

#[derive(Debug, Eq, PartialEq)]
pub(super) struct Entry {
    context: String,
    /// In lower case.
    header: String,
    plain: String,
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        let entries = [
            ("principal", "x-consumer-username"),
            ("key_id", "x-consumer-id"),
            ("issuer", "x-consumer-issuer"),
            ("scopes", "x-consumer-scopes"),
        ];
        Self(entries.into_iter().map(|(context, header)| Entry::new(context, header)).collect())
    }
}

impl Entry {
    fn new(context: &str, header: &str) -> Self {
        let header = header.to_ascii_lowercase();
        Self { context: context.to_owned(), plain: plain(&header).into_owned(), header }
    }
}

impl IdentityHeaders {
    /// From items such as `principal=X-Consumer-Username`, separated by commas, or from the word `none`.
    ///
    /// # Errors
    /// What is wrong with them, to follow the variable's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        if text == "none" {
            return Ok(Self(entries));
        }
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let Some((context, header)) = item.split_once('=').map(|(context, header)| (context.trim(), header.trim()))
            else {
                return Err(format!(
                    "has {item:?}; it must be context=Header-Name, several separated by commas, as in \
                     principal=X-Consumer-Username,key_id=X-Consumer-Id, or none"
                ));
            };
            if context.is_empty() || context.contains(char::is_control) {
                return Err(format!("has {item:?}; before = it must name an entry of the authorizer's context"));
            }
            let entry = Entry::new(context, header);
            if !can_be_sent(header, "") || is_reserved(&entry.plain) {
                return Err(format!("has {item:?}; {header:?} must be a header name that has no meaning of its own"));
            }
            if entries.iter().any(|other| other.plain == entry.plain) {
                return Err(format!("has {item:?}; the header {header:?} is there twice, name another"));
            }
            entries.push(entry);
        }
        Ok(Self(entries))
    }

    /// Whether a back end could take a header of this plain name for one of these.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|entry| entry.plain == name)
    }

    /// The headers for this caller: those whose entry there is.
    pub(super) fn of<'a>(&'a self, identity: &'a Identity<'_>) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(|entry| Some((entry.header.as_str(), identity.get(&entry.context)?)))
    }
}

fn is_reserved(name: &str) -> bool {
    let steers = is_of_a_connection(name) || name.starts_with("edge-") || name.starts_with("content-");
    steers || TAKEN.contains(&name)
}
