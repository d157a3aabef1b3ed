//! Finding an issuer: its record in the key table, and its key set, mirrored into the table or where
//! the record or OIDC discovery says it is.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use countersign_decision::cache::jwks::{Ask, JwksCache, Notice};
use countersign_decision::conversation::{Issuer, Lookup};
use countersign_decision::decision::Fault;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::limits;
use countersign_decision::record::issuer::IssuerRecord;
use countersign_decision::token::{KeySet, Unverified, discovery};
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_function::records::RecordSource;
use countersign_https::Https;
use countersign_store::KeyTable;
use lru::LruCache;

use crate::mirror::{self, Binding};

pub struct IssuerSource {
    table: Arc<KeyTable>,
    https: Https,
    lifetimes: Lifetimes,
    records: RecordSource<IssuerRecord>,
    sets: Mutex<LruCache<[u8; 32], Arc<KeySetSource>>>,
}

/// One issuer's key set, as long as its record names the same place for it.
pub struct KeySetSource {
    jwks_uri: Option<String>,
    cache: Mutex<JwksCache>,
    /// What discovery said; kept, so that a slow issuer needs one answer at a time.
    discovered: Mutex<Option<String>>,
    fetching: tokio::sync::Mutex<()>,
}

/// What has to be got before a token can be judged.
pub enum Missing {
    Record,
    Keys(Arc<KeySetSource>, Binding),
    /// The keys at hand would do; this request was chosen to renew them.
    FreshKeys(Arc<KeySetSource>, Binding),
}

const ROUNDS: usize = 3;

/// Unusable keys of one set that are told of.
const TOLD: usize = 5;

impl IssuerSource {
    pub fn new(table: Arc<KeyTable>, https: Https, lifetimes: Lifetimes) -> Self {
        let size = NonZeroUsize::new(limits::REMEMBERED_ISSUERS).unwrap_or(NonZeroUsize::MIN);
        let records = RecordSource::new("issuer", lifetimes);
        Self { table, https, lifetimes, records, sets: Mutex::new(LruCache::new(size)) }
    }

    /// What is known without a call. `Err`: what `find` has to get first.
    pub fn remembered(&self, token: &Unverified<'_>, moment: Moment, notes: &Notes) -> Result<Lookup<Issuer>, Missing> {
        let id = id_of(token.unverified_issuer());
        let record = match self.records.remembered(&id, moment, notes) {
            Some(Ok(Some(record))) => record,
            Some(Ok(None)) => return Ok(Ok(None)),
            Some(Err(fault)) => return Ok(Err(fault)),
            None => return Err(Missing::Record),
        };
        let set = self.set(id, record.jwks_uri());
        let ask = set.cache().ask(token.unverified_kid(), moment.now, &self.lifetimes);
        match ask {
            Ask::Use { keys, refresh: false, kept } => {
                notes.kept_if(kept, "jwks");
                Ok(Ok(Some(Issuer { record, keys: Some(keys) })))
            }
            Ask::Unknown => Ok(Ok(Some(Issuer { record, keys: None }))),
            Ask::Cooling => Ok(Err(Fault::IssuerUnavailable)),
            Ask::Use { refresh: true, .. } => Err(Missing::FreshKeys(set, Binding::of(&record))),
            Ask::Fetch => Err(Missing::Keys(set, Binding::of(&record))),
        }
    }

    /// Gets what is missing. Only issuers that have a record are ever fetched from.
    pub async fn find(
        &self,
        token: &Unverified<'_>,
        mut missing: Missing,
        moment: Moment,
        notes: &Notes,
    ) -> Lookup<Issuer> {
        let iss = token.unverified_issuer();
        for _ in 0..ROUNDS {
            match missing {
                Missing::Record => {
                    match self.records.find(id_of(iss), moment, notes, "GetItem", self.table.issuer(iss)).await {
                        Ok(Some(_)) => {}
                        Ok(None) => return Ok(None),
                        Err(fault) => return Err(fault),
                    }
                }
                Missing::FreshKeys(set, binding) => {
                    let _fetching = set.fetching.lock().await;
                    self.renew(&set, token, &binding, moment.spare(), notes).await;
                }
                Missing::Keys(set, binding) => {
                    let _fetching = set.fetching.lock().await;
                    let ask = set.cache().ask(token.unverified_kid(), moment.now, &self.lifetimes);
                    if matches!(ask, Ask::Fetch) {
                        self.renew(&set, token, &binding, moment, notes).await;
                    }
                }
            }
            match self.remembered(token, moment, notes) {
                Ok(found) => return found,
                Err(still) => missing = still,
            }
        }
        Err(Fault::IssuerUnavailable)
    }

    /// From the mirror where that will do, else from the issuer; from an old mirror in need.
    async fn renew(
        &self,
        set: &KeySetSource,
        token: &Unverified<'_>,
        binding: &Binding,
        moment: Moment,
        notes: &Notes,
    ) {
        let iss = token.unverified_issuer();
        let Some((keys, fetched_at)) = mirror::key_set(&self.table, iss, binding, moment, notes).await else {
            self.fetch(set, iss, moment, notes).await;
            return;
        };
        let offered = set.cache().offer(keys, fetched_at, token.unverified_kid(), moment.now, &self.lifetimes);
        match offered {
            Ok(notice) => tell(notice, iss, notes),
            Err(keys) => {
                self.fetch(set, iss, moment.spare(), notes).await;
                set.cache().fall_back(keys, fetched_at, moment.now, &self.lifetimes);
            }
        }
    }

    async fn fetch(&self, set: &KeySetSource, iss: &str, moment: Moment, notes: &Notes) {
        let fetched = moment.before_deadline(iss, self.download(set, iss)).await;
        let parsed = fetched.and_then(|body| KeySet::parse(&body).map_err(|error| format!("{iss}: {error}")));
        match &parsed {
            Ok(keys) => keys.dropped().iter().take(TOLD).for_each(|dropped| notes.cause(&format!("{iss}: {dropped}"))),
            Err(cause) => {
                // It may have moved: the next fetch asks discovery again.
                *set.discovered() = None;
                notes.cause(cause);
            }
        }
        tell(set.cache().fetched(parsed, moment.now, &self.lifetimes), iss, notes);
    }

    async fn download(&self, set: &KeySetSource, iss: &str) -> Result<Vec<u8>, String> {
        let known = set.jwks_uri.clone().or_else(|| set.discovered().clone());
        let jwks_uri = match known {
            Some(jwks_uri) => jwks_uri,
            None => self.discover(set, iss).await?,
        };
        self.https.get(&jwks_uri).await
    }

    async fn discover(&self, set: &KeySetSource, iss: &str) -> Result<String, String> {
        let address = discovery::address(iss);
        let document = self.https.get(&address).await?;
        let jwks_uri = discovery::jwks_uri(&document, iss).map_err(|wrong| format!("{address}: {wrong}"))?;
        *set.discovered() = Some(jwks_uri.clone());
        Ok(jwks_uri)
    }

    /// A record that names another place starts afresh: the old set must not answer for it.
    fn set(&self, id: [u8; 32], jwks_uri: Option<&str>) -> Arc<KeySetSource> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = sets.get(&id).filter(|set| set.jwks_uri.as_deref() == jwks_uri) {
            return Arc::clone(set);
        }
        let set = Arc::new(KeySetSource {
            jwks_uri: jwks_uri.map(str::to_owned),
            cache: Mutex::default(),
            discovered: Mutex::default(),
            fetching: tokio::sync::Mutex::new(()),
        });
        sets.put(id, Arc::clone(&set));
        set
    }
}

impl KeySetSource {
    fn cache(&self) -> MutexGuard<'_, JwksCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn discovered(&self) -> MutexGuard<'_, Option<String>> {
        self.discovered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(notice: Notice, iss: &str, notes: &Notes) {
    if !matches!(notice, Notice::Renewed | Notice::Failed) {
        notes.cause(&format!("{iss}: {}", notice.code()));
    }
}

fn id_of(iss: &str) -> [u8; 32] {
    let mut id = [0; 32];
    id.iter_mut().zip(digest::digest(&digest::SHA256, iss.as_bytes()).as_ref()).for_each(|(to, from)| *to = *from);
    id
}
