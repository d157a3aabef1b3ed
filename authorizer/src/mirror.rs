//! The key set that key-sync has mirrored into the table: read before the issuer is asked, so that a
//! cold start needs no internet. What it may be used for is known to `cache::jwks`.

use countersign_decision::record::issuer::IssuerRecord;
use countersign_decision::time::Timestamp;
use countersign_decision::token::KeySet;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_store::KeyTable;

/// What a mirrored set is bound to: the version of the issuer's record and the place that it names.
#[derive(Clone)]
pub struct Binding {
    version: u64,
    jwks_uri: Option<String>,
}

impl Binding {
    pub fn of(record: &IssuerRecord) -> Self {
        Self { version: record.version(), jwks_uri: record.jwks_uri().map(str::to_owned) }
    }
}

/// The mirrored set, and when it was fetched; `None` where there is none that counts for this record.
/// It can be done without, so it takes at most half of the time that is left.
pub async fn key_set(
    table: &KeyTable,
    iss: &str,
    binding: &Binding,
    moment: Moment,
    notes: &Notes,
) -> Option<(KeySet, Timestamp)> {
    let found = match moment.spare().before_deadline("GetItem", table.key_set(iss)).await {
        Ok(found) => found?,
        Err(cause) => {
            notes.cause(&cause);
            return None;
        }
    };
    let usable = found.and_then(|mirrored| {
        let same_place = binding.jwks_uri.as_ref().is_none_or(|uri| *uri == mirrored.jwks_uri);
        if mirrored.issuer_version != binding.version || !same_place {
            return Ok(None);
        }
        let vanished = |kid: &str| mirrored.vanished.contains_key(kid);
        let keys = KeySet::parse_mirrored(mirrored.keys.as_bytes(), vanished).map_err(|error| error.to_string())?;
        Ok(Some((keys, mirrored.fetched_at)))
    });
    usable.unwrap_or_else(|malformed| {
        notes.cause(&format!("{iss}: the mirrored key set: {malformed}"));
        None
    })
}
