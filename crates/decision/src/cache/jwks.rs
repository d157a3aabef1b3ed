//! One issuer's key set, as a state machine: when to use it, when to fetch it, when to say no.
//!
//! Strangers can write any `kid`, issuers can publish anything, and neither may lock good callers out
//! or make us fetch without end. Hence three rules:
//!
//! * A `kid` that is not in the set forces a fetch at most once per `jwks_cooling`. It is refused only
//!   on a set younger than that; otherwise, when no fetch is allowed, it cannot be judged. So a key
//!   that was published `jwks_cooling` before its first use is never refused, whatever strangers ask.
//! * After a failed fetch there is no other for `jwks_cooling`. The last good set is used up to
//!   `jwks_kept`; an empty one is a failure and replaces nothing.
//! * A key that vanishes from the set verifies on until a second fetch, `jwks_cooling` later, agrees.
//!   One that is still there, but changed or not usable any more, is replaced at once.
//!
//! A set that key-sync has mirrored is offered before a fetch and after one that failed. It counts as
//! old as it is, so none of the rules is softened by it.
//!
//! How a set is fetched, and that one request fetches while others wait, is not known here. When the
//! issuer's record names another address, the cache is replaced, not told.

use std::sync::Arc;

use crate::lifetimes::Lifetimes;
use crate::time::Timestamp;
use crate::token::KeySet;
use crate::token::jwk::SigningKey;

#[derive(Default)]
pub struct JwksCache {
    held: Option<Held>,
    /// A fetch was asked for and has not reported yet.
    looking: Option<Timestamp>,
    /// The last fetch failed.
    failed: Option<Timestamp>,
    /// The last fetch that was asked for because of a `kid`; periodic ones do not count.
    missed: Option<Timestamp>,
}

struct Held {
    keys: Arc<KeySet>,
    /// When it was asked for: what was published later need not be in it.
    asked: Timestamp,
    vanished: Vec<Vanished>,
}

/// A key that the newest set lacks, and since when.
struct Vanished {
    key: Arc<SigningKey>,
    since: Timestamp,
}

/// What a token's `kid` needs now.
pub enum Ask {
    /// Verify with these. `refresh`: this request fetches the set first; others go on without.
    /// `kept`: the set is older than it should be because fetching fails.
    Use { keys: Arc<KeySet>, refresh: bool, kept: bool },
    /// Fetch the set, or wait for the fetch that is under way, then ask again.
    Fetch,
    /// The issuer has no such key, and the set is young enough to say so.
    Unknown,
    /// It cannot be known now, and fetching would be too often: a fault, not a refusal.
    Cooling,
}

/// What a fetch has come to, for the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    Renewed,
    /// Keys are missing from the set. They are used until the next fetch says so too.
    Shrunken,
    /// Keys that were missing before are given up.
    Confirmed,
    /// No usable key is in it; what was held stays.
    Empty,
    /// Nothing came, or nothing that could be read; what was held stays.
    Failed,
}

impl Notice {
    /// The stable name for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Renewed => "jwks_renewed",
            Self::Shrunken => "jwks_shrunken",
            Self::Confirmed => "jwks_confirmed",
            Self::Empty => "jwks_empty",
            Self::Failed => "jwks_failed",
        }
    }
}

impl JwksCache {
    /// What to do for a token that names `kid`, or no key. `Fetch` and `refresh` must be answered by
    /// [`JwksCache::fetched`] within `deadline`; else the fetch counts as failed, until it reports.
    pub fn ask(&mut self, kid: Option<&str>, now: Timestamp, lifetimes: &Lifetimes) -> Ask {
        let under_way = self.looking.filter(|asked| now.age_of(*asked) <= lifetimes.deadline);
        let lost = self.looking.filter(|_| under_way.is_none());
        let recently = |at: Option<Timestamp>| at.is_some_and(|at| now.age_of(at) < lifetimes.jwks_cooling);
        let cooling = recently(self.failed) || recently(lost);
        let Some(held) = self.held.as_ref().filter(|held| now.age_of(held.asked) < lifetimes.jwks_kept) else {
            return if cooling { Ask::Cooling } else { self.fetch(under_way, now) };
        };
        let age = now.age_of(held.asked);
        if held.keys.knows(kid) {
            let stale = age >= lifetimes.jwks_soft;
            let unconfirmed = !held.vanished.is_empty() && age >= lifetimes.jwks_cooling;
            let refresh = (stale || unconfirmed) && !cooling && under_way.is_none();
            let kept = stale && (self.failed.is_some() || lost.is_some());
            let keys = Arc::clone(&held.keys);
            if refresh {
                self.looking = Some(now);
            }
            return Ask::Use { keys, refresh, kept };
        }
        if under_way.is_some() || !(cooling || recently(self.missed)) {
            self.fetch(under_way, now)
        } else if age < lifetimes.jwks_cooling {
            Ask::Unknown
        } else {
            Ask::Cooling
        }
    }

    /// A fetch that is under way serves this `kid` as well as one begun for it.
    fn fetch(&mut self, under_way: Option<Timestamp>, now: Timestamp) -> Ask {
        let asked = under_way.unwrap_or(now);
        self.looking = Some(asked);
        self.missed = Some(asked);
        Ask::Fetch
    }

    /// The fetch has ended: with a set, or with an error that is the caller's to log.
    pub fn fetched<E>(&mut self, outcome: Result<KeySet, E>, now: Timestamp, lifetimes: &Lifetimes) -> Notice {
        let asked = self.looking.take().unwrap_or(now);
        let notice = match outcome {
            Ok(keys) if !keys.is_empty() => return self.renew(keys, asked, lifetimes),
            Ok(_) => Notice::Empty,
            Err(_) => Notice::Failed,
        };
        self.failed = Some(now);
        notice
    }

    /// Before fetching: a set that somebody else fetched at `fetched_at`, for a token that names `kid`. It
    /// does instead of a fetch if it is fresh, newer than what is held, and has the key; else it comes
    /// back, and the fetch goes on.
    pub fn offer(
        &mut self,
        keys: KeySet,
        fetched_at: Timestamp,
        kid: Option<&str>,
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) -> Result<Notice, KeySet> {
        let fresh = now.age_of(fetched_at) < lifetimes.jwks_soft;
        if keys.is_empty() || !fresh || !self.is_older_than(fetched_at) || !keys.knows(kid) {
            return Err(keys);
        }
        self.looking = None;
        // Nobody has asked the issuer, so whoever misses a key next may.
        self.missed = None;
        Ok(self.renew(keys, fetched_at, lifetimes))
    }

    /// After a fetch that failed: what was offered is better than nothing, or than what is held.
    pub fn fall_back(&mut self, keys: KeySet, fetched_at: Timestamp, now: Timestamp, lifetimes: &Lifetimes) {
        let usable = !keys.is_empty() && now.age_of(fetched_at) < lifetimes.jwks_kept;
        if usable && self.is_older_than(fetched_at) {
            let failed = self.failed;
            self.renew(keys, fetched_at, lifetimes);
            self.failed = failed;
        }
    }

    fn is_older_than(&self, fetched_at: Timestamp) -> bool {
        self.held.as_ref().is_none_or(|held| held.asked < fetched_at)
    }

    fn renew(&mut self, new: KeySet, asked: Timestamp, lifetimes: &Lifetimes) -> Notice {
        let held = self.held.take().filter(|held| asked.age_of(held.asked) < lifetimes.jwks_kept);
        let (new, retained) = new.split();
        let mut missing = held.map(|held| held.missing_from(&new, asked)).unwrap_or_default();
        // Whoever mirrored the set has missed these; our own look since then confirms it.
        for key in retained {
            match missing.iter_mut().find(|vanished| vanished.key.kid() == key.kid()) {
                Some(vanished) => vanished.key = key,
                None => missing.push(Vanished { key, since: asked }),
            }
        }
        let newly_missing = missing.iter().any(|vanished| vanished.since == asked);
        let (given_up, vanished): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(|vanished| asked.since(vanished.since) >= lifetimes.jwks_cooling);
        let retained = vanished.iter().map(|vanished| Arc::clone(&vanished.key)).collect();
        self.held = Some(Held { keys: Arc::new(new.retaining(retained)), asked, vanished });
        self.failed = None;
        if newly_missing {
            Notice::Shrunken
        } else if given_up.is_empty() {
            Notice::Renewed
        } else {
            Notice::Confirmed
        }
    }
}

impl Held {
    /// What was used until now and of whose name the new set says nothing.
    fn missing_from(self, new: &KeySet, asked: Timestamp) -> Vec<Vanished> {
        let before = self.keys.keys().iter().map(|key| Vanished { key: Arc::clone(key), since: asked });
        self.vanished.into_iter().chain(before).filter(|before| !new.knows(before.key.kid())).collect()
    }
}

#[cfg(test)]
mod tests;
