//! What the edge reads: the public part of records, as names and values of its store.
//!
//! `key:<hash>`, `issuer:<iss>` and `routes`. Whoever can read the store sees all of it, so nothing
//! goes out that is not listed here; above all no context, no usage plan key, no back end. A value's
//! version and digest stand beside it as [`Mark`], so that a listing is enough to compare two worlds.

mod shapes;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Value, json};

use crate::limits;
use crate::record::issuer::IssuerRecord;
use crate::record::key::KeyRecord;
use crate::record::route::RouteRecord;
use crate::record::{LABEL, is_label};

/// The prefix of the names of keys; what follows is the hash.
pub const KEY: &str = "key:";
pub const ISSUER: &str = "issuer:";
/// The one document of all routes.
pub const ROUTES: &str = "routes";

/// One name of the edge's store, and what it should hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Published {
    pub name: String,
    /// JSON.
    pub value: String,
    pub mark: Mark,
}

/// What tells two values of one name apart, without the values.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Mark {
    pub version: u64,
    /// The first 64 bits of the value's SHA-256.
    pub digest: u64,
}

impl Mark {
    fn of(version: u64, value: &str) -> Self {
        Self { version, digest: first_bits(value.as_bytes()) }
    }

    /// As it stands in the metadata of a name.
    pub fn metadata(self) -> Value {
        json!({ "v": self.version, "d": format!("{:016x}", self.digest) })
    }

    /// `None`: not written by us, or not by this version.
    pub fn read(metadata: &Value) -> Option<Self> {
        let digits = metadata.get("d")?.as_str()?;
        if digits.len() != 16 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let digest = u64::from_str_radix(digits, 16).ok()?;
        Some(Self { version: metadata.get("v")?.as_u64()?, digest })
    }
}

/// Why a record cannot be published; the text names the attribute.
pub type Unpublishable = String;

/// `hash`: 64 lower-case hexadecimal digits.
pub fn key(hash: &str, record: &KeyRecord) -> Result<Published, Unpublishable> {
    let version = record.version.ok_or("version: is missing")?;
    publish(format!("{KEY}{hash}"), version, &shapes::Key::new(version, record))
}

pub fn issuer(iss: &str, record: &IssuerRecord) -> Result<Published, Unpublishable> {
    publish(format!("{ISSUER}{iss}"), record.version(), &shapes::Issuer::new(record))
}

/// The document of all routes. Its own version is not a route's: a document from which a route went
/// is newer than the one before. [`routes_digest`] tells whether it is another.
pub fn routes(version: u64, routes: &[(&str, &RouteRecord)]) -> Result<Published, Unpublishable> {
    if routes.len() > limits::PUBLISHED_ROUTES {
        return Err(format!("more than {} routes", limits::PUBLISHED_ROUTES));
    }
    if let Some((id, _)) = routes.iter().find(|(id, _)| !is_label(id)) {
        return Err(format!("the id {id:?} {LABEL}"));
    }
    let published = publish(ROUTES.to_owned(), version, &shapes::Routes::new(version, routes))?;
    if published.value.len() > limits::ROUTES_DOCUMENT {
        return Err(format!("all routes together are larger than {} bytes", limits::ROUTES_DOCUMENT));
    }
    Ok(published)
}

/// What the document says apart from its version: the same for the same routes in any order.
pub fn routes_digest(routes: &[(&str, &RouteRecord)]) -> Result<u64, Unpublishable> {
    self::routes(0, routes).map(|document| document.mark.digest)
}

fn publish(name: String, version: u64, shape: &impl Serialize) -> Result<Published, Unpublishable> {
    if name.len() > limits::PUBLISHED_NAME {
        return Err(format!("its name is longer than the edge's store takes ({} bytes)", limits::PUBLISHED_NAME));
    }
    let value = serde_json::to_string(shape).map_err(|error| error.to_string())?;
    let mark = Mark::of(version, &value);
    Ok(Published { name, value, mark })
}

fn first_bits(bytes: &[u8]) -> u64 {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}
