#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod mirrored;
mod simulation;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::{Ask, JwksCache, Notice};
use crate::decision::Refusal;
use crate::lifetimes::Lifetimes;
use crate::time::Timestamp;
use crate::token::{KeySet, KeySetError};

const L: Lifetimes = Lifetimes::DEFAULT;
const START: u64 = 1_800_000_000;

const fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(START + secs)
}

/// A set of Ed25519 keys of these names; what they would verify does not matter here.
fn set(kids: &[&str]) -> KeySet {
    let key = |kid: &&str| {
        let mut x = [1; 32];
        x.iter_mut().zip(kid.bytes()).for_each(|(x, byte)| *x = byte);
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": URL_SAFE_NO_PAD.encode(x)})
    };
    let keys: Vec<_> = kids.iter().map(key).collect();
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

type Fetched = Result<KeySet, KeySetError>;

const FAILS: Fetched = Err(KeySetError::Malformed);

/// An answer in one word, with the flags that are set.
fn word(ask: &Ask) -> String {
    match ask {
        Ask::Use { refresh, kept, .. } => {
            format!("use{}{}", if *refresh { " refresh" } else { "" }, if *kept { " kept" } else { "" })
        }
        Ask::Fetch => "fetch".to_owned(),
        Ask::Unknown => "unknown".to_owned(),
        Ask::Cooling => "cooling".to_owned(),
    }
}

#[derive(Default)]
struct Cache(JwksCache);

impl Cache {
    fn holding(kids: &[&str]) -> Self {
        let mut cache = Self::default();
        assert_eq!(cache.ask("a", 0), "fetch");
        assert_eq!(cache.fetched(Ok(set(kids)), 0), Notice::Renewed);
        cache
    }

    fn ask(&mut self, kid: &str, secs: u64) -> String {
        word(&self.0.ask(Some(kid), at(secs), &L))
    }

    fn fetched(&mut self, outcome: Fetched, secs: u64) -> Notice {
        self.0.fetched(outcome, at(secs), &L)
    }

    /// Asks for `kid` and answers the fetch that this must cause.
    fn fetch(&mut self, kid: &str, outcome: Fetched, secs: u64) -> Notice {
        let asked = self.ask(kid, secs);
        assert!(asked == "fetch" || asked.starts_with("use refresh"), "{asked}");
        self.fetched(outcome, secs)
    }

    /// Whether a token that names `kid` would be verified now. Asks for no name, which forces nothing.
    fn finds(&mut self, kid: &str, secs: u64) -> bool {
        match self.0.ask(None, at(secs), &L) {
            Ask::Use { keys, .. } => keys.find(Some(kid)).is_ok(),
            _ => false,
        }
    }
}

#[test]
fn a_cold_cache_fetches_and_the_set_is_used() {
    let mut cache = Cache::default();
    assert_eq!(cache.ask("a", 0), "fetch");
    assert_eq!(cache.ask("b", 0), "fetch", "waits for the one under way");
    assert_eq!(cache.fetched(Ok(set(&["a"])), 0), Notice::Renewed);
    assert_eq!(cache.ask("a", 0), "use");
    assert_eq!(cache.ask("b", 0), "unknown", "the fetch served this name too");
    assert_eq!(cache.ask("a", 599), "use");
}

#[test]
fn a_soft_expired_set_is_refreshed_by_one() {
    let mut cache = Cache::holding(&["a"]);
    assert_eq!(cache.ask("a", 600), "use refresh");
    assert_eq!(cache.ask("a", 600), "use", "another is at it");
    assert_eq!(cache.fetched(Ok(set(&["a"])), 600), Notice::Renewed);
    assert_eq!(cache.ask("a", 1199), "use");
    assert_eq!(cache.ask("a", 1200), "use refresh");
}

#[test]
fn a_failing_issuer_is_asked_once_per_cooling_and_its_keys_are_kept() {
    let mut cache = Cache::holding(&["a"]);
    let mut fetches = 0;
    for secs in 600..86_400 {
        match cache.ask("a", secs).as_str() {
            "use refresh" | "use refresh kept" => {
                fetches += 1;
                assert_eq!(cache.fetched(FAILS, secs), Notice::Failed);
            }
            other => assert_eq!(other, "use kept", "{secs}"),
        }
    }
    assert_eq!(fetches, (86_400 - 600) / 30);
    assert_eq!(cache.ask("a", 86_400), "fetch", "kept for a day, no longer");
    assert_eq!(cache.fetched(FAILS, 86_400), Notice::Failed);
    assert_eq!(cache.ask("a", 86_401), "cooling");
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 86_430), Notice::Renewed);
    assert_eq!(cache.ask("a", 86_431), "use");
}

#[test]
fn a_cold_cache_cools_after_a_failure() {
    let mut cache = Cache::default();
    assert_eq!(cache.fetch("a", FAILS, 0), Notice::Failed);
    for secs in 0..30 {
        assert_eq!(cache.ask("a", secs), "cooling");
    }
    assert_eq!(cache.ask("a", 30), "fetch");
}

#[test]
fn a_made_up_kid_causes_one_fetch_per_cooling() {
    let mut cache = Cache::holding(&["a"]);
    let mut fetches = 0;
    for request in 0..10_000_u64 {
        let secs = 60 + request / 100;
        match cache.ask(&format!("made-up-{request}"), secs).as_str() {
            "fetch" => {
                fetches += 1;
                cache.fetched(Ok(set(&["a"])), secs);
            }
            other => assert_eq!(other, "unknown"),
        }
        assert_eq!(cache.ask("a", secs), "use", "good callers go on");
    }
    assert_eq!(fetches, 100_u64.div_ceil(30));
}

#[test]
fn a_made_up_kid_does_not_block_a_rotated_key() {
    let mut cache = Cache::holding(&["a"]);
    assert_eq!(cache.fetch("made-up", Ok(set(&["a"])), 100), Notice::Renewed);
    // Published at 101, first used at 131, strangers all the while.
    for secs in 101..130 {
        assert_eq!(cache.ask("made-up", secs), "unknown");
    }
    assert_eq!(cache.fetch("made-up", Ok(set(&["a", "new"])), 130), Notice::Renewed);
    assert!(cache.finds("new", 131));
}

#[test]
fn a_key_used_too_early_is_refused_for_less_than_a_cooling() {
    let mut cache = Cache::holding(&["a"]);
    cache.fetch("made-up", Ok(set(&["a"])), 100);
    assert_eq!(cache.ask("new", 129), "unknown");
    assert_eq!(cache.ask("new", 130), "fetch");
}

#[test]
fn a_periodic_fetch_does_not_count_against_a_kid() {
    let mut cache = Cache::holding(&["a"]);
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 600), Notice::Renewed);
    assert_eq!(cache.ask("new", 601), "fetch");
}

#[test]
fn what_cannot_be_known_is_not_refused() {
    let mut cache = Cache::holding(&["a"]);
    assert_eq!(cache.fetch("new", FAILS, 100), Notice::Failed);
    for secs in 100..130 {
        assert_eq!(cache.ask("new", secs), "cooling");
        assert_eq!(cache.ask("a", secs), "use");
    }
    assert_eq!(cache.ask("new", 130), "fetch");
}

#[test]
fn a_set_young_enough_refuses_even_while_fetching_fails() {
    let mut cache = Cache::holding(&["a"]);
    cache.fetch("made-up", Ok(set(&["a"])), 590);
    assert_eq!(cache.ask("new", 610), "unknown");
}

#[test]
fn an_empty_or_unreadable_set_replaces_nothing() {
    for (outcome, notice) in [(Ok(set(&[])), Notice::Empty), (FAILS, Notice::Failed)] {
        let mut cache = Cache::holding(&["a"]);
        assert_eq!(cache.fetch("a", outcome, 600), notice);
        assert!(cache.finds("a", 601));
        assert_eq!(cache.ask("a", 601), "use kept");
        assert_eq!(cache.ask("a", 629), "use kept");
        assert_eq!(cache.ask("a", 630), "use refresh kept");
        assert_eq!(cache.fetched(Ok(set(&["a"])), 630), Notice::Renewed);
        assert_eq!(cache.ask("a", 1230), "use refresh", "what failed once is forgotten");
    }
    let mut cold = Cache::default();
    assert_eq!(cold.fetch("a", Ok(set(&[])), 0), Notice::Empty);
    assert_eq!(cold.ask("a", 1), "cooling");
}

#[test]
fn a_vanished_key_is_given_up_when_a_second_fetch_agrees() {
    let mut cache = Cache::holding(&["a", "b"]);
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 600), Notice::Shrunken);
    assert!(cache.finds("b", 600) && cache.finds("b", 629));
    assert_eq!(cache.ask("b", 630), "use refresh", "asked again soon, not after ten minutes");
    assert_eq!(cache.fetched(Ok(set(&["a"])), 630), Notice::Confirmed);
    assert!(cache.finds("a", 631) && !cache.finds("b", 631));
    assert_eq!(cache.ask("a", 631 + 60), "use", "and not again after that");
}

#[test]
fn a_second_fetch_too_soon_does_not_agree() {
    let mut cache = Cache::holding(&["a", "b"]);
    cache.fetch("a", Ok(set(&["a"])), 600);
    assert_eq!(cache.fetch("made-up", Ok(set(&["a"])), 605), Notice::Renewed);
    assert!(cache.finds("b", 605));
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 635), Notice::Confirmed);
    assert!(!cache.finds("b", 636));
}

#[test]
fn a_key_that_comes_back_was_never_gone() {
    let mut cache = Cache::holding(&["a", "b"]);
    cache.fetch("a", Ok(set(&["a"])), 600);
    assert_eq!(cache.fetch("a", Ok(set(&["a", "b"])), 630), Notice::Renewed);
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 1230), Notice::Shrunken, "its time starts anew");
    assert!(cache.finds("b", 1231));
}

#[test]
fn each_vanished_key_has_its_own_time() {
    let mut cache = Cache::holding(&["a", "b", "c"]);
    assert_eq!(cache.fetch("a", Ok(set(&["a", "c"])), 600), Notice::Shrunken);
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 630), Notice::Shrunken);
    assert!(!cache.finds("b", 631) && cache.finds("c", 631));
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 660), Notice::Confirmed);
    assert!(!cache.finds("c", 661));
}

#[test]
fn a_failing_second_fetch_keeps_the_vanished_key() {
    let mut cache = Cache::holding(&["a", "b"]);
    cache.fetch("a", Ok(set(&["a"])), 600);
    assert_eq!(cache.fetch("a", FAILS, 630), Notice::Failed);
    assert!(cache.finds("b", 659));
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 660), Notice::Confirmed);
}

#[test]
fn a_replaced_key_is_replaced_at_once() {
    let mut cache = Cache::holding(&["a"]);
    let other = KeySet::parse(
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "B".repeat(42) + "A"}]})
            .to_string()
            .as_bytes(),
    );
    assert_eq!(cache.fetch("a", Ok(other.unwrap()), 600), Notice::Renewed);
}

/// Its private half was published: nobody waits for a second opinion.
#[test]
fn a_key_that_became_unusable_is_given_up_at_once() {
    let mut cache = Cache::holding(&["a", "b"]);
    let leaked = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "A".repeat(43)},
        {"kty": "OKP", "crv": "Ed25519", "kid": "b", "x": "A".repeat(43), "d": "A".repeat(43)},
    ]});
    assert_eq!(cache.fetch("a", KeySet::parse(leaked.to_string().as_bytes()), 600), Notice::Renewed);
    assert!(cache.finds("a", 601) && !cache.finds("b", 601));
}

#[test]
fn two_new_keys_of_one_old_name_do_not_lock_it_out_at_once() {
    let mut cache = Cache::holding(&["a", "b"]);
    assert_eq!(cache.fetch("a", Ok(set(&["a", "b", "b"])), 600), Notice::Shrunken);
    assert!(cache.finds("b", 601));
    assert_eq!(cache.fetch("a", Ok(set(&["a", "b", "b"])), 630), Notice::Confirmed);
    assert!(!cache.finds("b", 631));
}

#[test]
fn the_only_published_key_serves_tokens_without_kid_through_a_rotation() {
    let mut cache = Cache::holding(&["old"]);
    assert_eq!(cache.fetch("old", Ok(set(&["new"])), 600), Notice::Shrunken);
    let Ask::Use { keys, .. } = cache.0.ask(None, at(601), &L) else { panic!("nothing to fetch for it") };
    assert_eq!(keys.find(None).unwrap().kid(), Some("new"));
    assert!(keys.find(Some("old")).is_ok());
}

#[test]
fn an_unusable_key_is_known() {
    let body = json!({"keys": [{"kty": "oct", "k": "AA", "kid": "s"}, {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "A".repeat(43)}]});
    let mut cache = Cache::default();
    cache.fetch("a", KeySet::parse(body.to_string().as_bytes()), 0);
    let Ask::Use { keys, .. } = cache.0.ask(Some("s"), at(100), &L) else {
        panic!("fetching would not make it usable")
    };
    assert_eq!(keys.find(Some("s")).err(), Some(Refusal::TokenKeyUnusable));
}

#[test]
fn names_that_are_not_there_wait_for_the_same_fetch() {
    let mut cache = Cache::holding(&["a"]).0;
    let mut ask = |kid, millis| word(&cache.ask(Some(kid), Timestamp::from_millis(START * 1000 + millis), &L));
    assert_eq!(ask("new", 100_000), "fetch");
    assert_eq!(ask("made-up", 100_000), "fetch");
    assert_eq!(ask("other", 100_800), "fetch");
    assert_eq!(ask("a", 100_800), "use");
    assert_eq!(ask("other", 100_901), "cooling", "who joins does not lengthen it");
}

#[test]
fn a_fetch_that_never_reports_counts_as_failed() {
    let mut cache = Cache::holding(&["a"]);
    assert_eq!(cache.ask("a", 600), "use refresh");
    assert_eq!(cache.ask("a", 601), "use kept", "longer than the deadline");
    assert_eq!(cache.ask("new", 601), "cooling");
    assert_eq!(cache.ask("a", 629), "use kept");
    assert_eq!(cache.ask("a", 630), "use refresh kept");
    // The lost one reports after all, beside the next: the set counts from when it was asked for.
    assert_eq!(cache.fetched(Ok(set(&["a"])), 631), Notice::Renewed);
    assert_eq!(cache.ask("a", 1229), "use");
    assert_eq!(cache.ask("a", 1230), "use refresh");
}

#[test]
fn a_clock_set_back_makes_nothing_fresh_and_nobody_unknown() {
    let mut cache = Cache::default();
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 10_000), Notice::Renewed);
    assert_eq!(cache.ask("made-up", 0), "fetch");
    assert_eq!(cache.ask("a", 0), "fetch");
}

#[test]
fn a_set_past_its_time_is_not_revived() {
    let mut cache = Cache::holding(&["old"]);
    assert_eq!(cache.fetch("a", Ok(set(&["a"])), 90_000), Notice::Renewed);
    assert!(!cache.finds("old", 90_001));
}

#[test]
fn codes_are_stable_and_distinct() {
    let notices = [Notice::Renewed, Notice::Shrunken, Notice::Confirmed, Notice::Empty, Notice::Failed];
    let codes: std::collections::BTreeSet<_> = notices.into_iter().map(Notice::code).collect();
    assert_eq!(codes.len(), notices.len());
}
