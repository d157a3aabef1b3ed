use std::time::Duration;

use proptest::prelude::*;

use super::*;

const LIFETIMES: Lifetimes = Lifetimes::DEFAULT;
const START: Timestamp = Timestamp::from_secs(1_800_000_000);

fn at(millis: u64) -> Timestamp {
    START.plus(Duration::from_millis(millis))
}

fn key(id: &str) -> EdgeKey {
    EdgeKey::hmac(id, &[7; 32]).unwrap()
}

fn labelled(ids: &[&str]) -> Vec<LabelledVersion> {
    ids.iter().enumerate().map(|(i, id)| LabelledVersion { id: (*id).to_owned(), current: i == 0 }).collect()
}

/// What `ask` says, in one word.
fn word(keys: &SigningKeys, keyid: &str, millis: u64) -> &'static str {
    match keys.ask(keyid, at(millis), &LIFETIMES) {
        Ask::Use { refresh: false, kept: false, .. } => "use",
        Ask::Use { refresh: true, .. } => "use, refresh",
        Ask::Use { kept: true, .. } => "use, kept",
        Ask::Labels => "labels",
        Ask::Value => "value",
        Ask::Unknown => "unknown",
        Ask::Unavailable(fault) => fault.code(),
    }
}

fn warm() -> SigningKeys {
    let mut keys = SigningKeys::default();
    keys.labels_read(labelled(&["current", "previous"]), START).unwrap();
    keys.value_read(key("current"));
    keys
}

#[test]
fn labels_age_from_fresh_to_stale() {
    let keys = warm();
    assert_eq!(word(&keys, "current", 59_999), "use");
    assert_eq!(word(&keys, "current", 60_000), "use, refresh");
    assert_eq!(word(&keys, "current", 24 * 3600 * 1000 - 1), "use, refresh");
    assert_eq!(word(&keys, "previous", 0), "value");
}

#[test]
fn an_unknown_keyid_is_refused_only_on_young_labels() {
    let mut keys = warm();
    assert_eq!(word(&keys, "stranger", 9_999), "unknown");
    assert_eq!(word(&keys, "stranger", 10_000), "labels");
    keys.labels_read(labelled(&["current"]), at(10_000)).unwrap();
    assert_eq!(word(&keys, "stranger", 19_999), "unknown");
}

#[test]
fn after_a_failed_look_strangers_are_faults_and_known_keys_go_on() {
    let mut keys = warm();
    keys.labels_failed(at(130_000));
    assert_eq!(word(&keys, "stranger", 130_999), "labels_unavailable");
    assert_eq!(word(&keys, "stranger", 131_000), "labels");
    assert_eq!(word(&keys, "current", 130_000), "use, kept");
    assert_eq!(word(&keys, "current", 139_999), "use, kept");
    assert_eq!(word(&keys, "current", 140_000), "use, refresh");
}

#[test]
fn labels_are_kept_for_a_day_of_failures_and_no_longer() {
    let mut keys = warm();
    let day = 24 * 3600 * 1000;
    keys.labels_failed(at(day - 1));
    assert_eq!(word(&keys, "current", day - 1), "use, kept");
    assert_eq!(word(&keys, "current", day), "labels_unavailable");
    assert_eq!(word(&keys, "current", day + 1000), "labels");
}

#[test]
fn a_missing_value_is_a_fault_and_asked_for_once_in_ten_seconds() {
    let mut keys = warm();
    keys.value_missing("previous", at(0));
    assert_eq!(word(&keys, "previous", 9_999), "signing_key_unavailable");
    assert_eq!(word(&keys, "previous", 10_000), "value");
    let mut empty = SigningKeys::default();
    empty.labels_read(labelled(&["current"]), START).unwrap();
    empty.value_missing("current", START);
    assert_eq!(word(&empty, "current", 0), "no_signing_key");
}

#[test]
fn a_version_that_lost_its_label_is_forgotten() {
    let mut keys = warm();
    keys.labels_read(labelled(&["next", "previous"]), at(1000)).unwrap();
    assert_eq!(word(&keys, "current", 1000), "unknown");
    keys.value_read(key("current"));
    assert!(!keys.values.contains_key("current"));
}

#[test]
fn an_answer_without_a_current_version_changes_nothing() {
    let mut keys = warm();
    assert_eq!(keys.labels_read(Vec::new(), at(30_000)), Err(NothingCurrent));
    assert_eq!(word(&keys, "current", 30_000), "use");
    assert_eq!(word(&keys, "stranger", 30_000), "labels_unavailable");
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_fresh_and_nobody_unknown() {
    let mut keys = warm();
    keys.labels_read(labelled(&["current"]), at(3_600_000)).unwrap();
    assert_eq!(word(&keys, "stranger", 1_800_000), "labels");
    keys.labels_failed(at(3_600_000));
    assert_eq!(word(&keys, "stranger", 1_800_000), "labels");
}

#[test]
fn nothing_is_known_before_the_first_look() {
    let mut keys = SigningKeys::default();
    assert_eq!(word(&keys, "current", 0), "labels");
    keys.labels_failed(START);
    assert_eq!(word(&keys, "current", 999), "labels_unavailable");
    assert_eq!(word(&keys, "current", 1000), "labels");
}

/// An authorizer's environment against a Secrets Manager that rotates: labelled as a placeholder at
/// `labelled`, readable from `readable` on. Times in milliseconds.
struct World {
    labelled: u64,
    readable: u64,
    calls: u32,
}

impl World {
    /// What a request signed with `keyid` ends in. Looks are as late as can be: the answer is of
    /// the moment the request came in.
    fn request(&mut self, keys: &mut SigningKeys, keyid: &str, now: u64) -> &'static str {
        for _ in 0..4 {
            match word(keys, keyid, now) {
                "labels" | "use, refresh" => {
                    self.calls += 1;
                    let ids: &[&str] = if now >= self.labelled { &["current", "next"] } else { &["current"] };
                    keys.labels_read(labelled(ids), at(now)).unwrap();
                }
                "value" => {
                    self.calls += 1;
                    let readable = keyid == "current" || now >= self.readable;
                    if readable { keys.value_read(key(keyid)) } else { keys.value_missing(keyid, at(now)) }
                }
                word => return word,
            }
        }
        "unsettled"
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The one timing rule: many environments with label maps of every age, strangers' keyids and
    /// early users of the new key throughout; used 15 s after it is readable, it is never refused.
    #[test]
    fn a_key_used_15_s_after_it_is_readable_is_never_refused(
        placeholder in 0u64..30_000,
        born in 0u64..200_000,
        others in prop::collection::vec((0u64..240_000, 0u8..3), 0..60),
        uses in prop::collection::vec(0u64..60_000, 1..10),
    ) {
        let readable = 100_000;
        let mut world = World { labelled: readable - placeholder, readable, calls: 0 };
        let mut requests: Vec<(u64, &str)> = others
            .into_iter()
            .map(|(when, who)| (when, ["stranger", "current", "next"][usize::from(who)]))
            .chain(uses.into_iter().map(|after| (readable + 15_000 + after, "next")))
            .filter(|(when, _)| *when >= born)
            .collect();
        requests.sort_unstable();
        let mut keys = SigningKeys::default();
        for (when, keyid) in requests {
            let end = world.request(&mut keys, keyid, when);
            prop_assert!(keyid != "current" || end == "use", "{end}");
            prop_assert!(keyid != "next" || when < readable + 15_000 || end == "use", "{end} at {when}");
            prop_assert!(keyid != "stranger" || end == "unknown", "{end}");
        }
    }

    #[test]
    fn strangers_cost_at_most_one_call_in_ten_seconds(mut times in prop::collection::vec(0u64..100_000, 1..300)) {
        times.sort_unstable();
        let mut world = World { labelled: u64::MAX, readable: u64::MAX, calls: 0 };
        let mut keys = SigningKeys::default();
        for (i, when) in times.into_iter().enumerate() {
            world.request(&mut keys, &format!("stranger-{i}"), when);
        }
        prop_assert!(world.calls <= 10, "{}", world.calls);
        prop_assert!(keys.values.is_empty());
    }
}
