//! Single items that key-sync writes: what they look like in the table, and what a condition refuses.

use std::collections::BTreeMap;

use aws_lambda_events::dynamodb::Event;
use countersign_decision::signature::Algorithm;
use countersign_decision::time::Timestamp;
use countersign_store::key_sets::MirroredKeySet;
use countersign_store::records::{Expect, Written};
use countersign_tests::aws::Outage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{NOW, table};

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Note {
    keyid: String,
    at: u64,
    promoted: bool,
    error: Option<String>,
    seen: BTreeMap<String, u64>,
}

#[tokio::test]
async fn a_note_reads_back_as_it_was_written() {
    let (fake, table) = table().await;
    let mut note = Note {
        keyid: "v1".to_owned(),
        at: NOW.as_millis(),
        promoted: true,
        error: None,
        seen: BTreeMap::from([("v1".to_owned(), 1)]),
    };
    assert_eq!(table.read_note::<Note>("rotation").await.unwrap(), None);
    table.write_note("rotation", &note).await.unwrap();
    assert_eq!(fake.get("sync#rotation").unwrap()["at"]["N"], NOW.as_millis().to_string());
    note.error = Some("later".to_owned());
    table.write_note("rotation", &note).await.unwrap();
    assert_eq!(table.read_note("rotation").await.unwrap(), Some(note));
    assert_eq!(table.read_note::<Map<String, Value>>("rotation").await.unwrap().unwrap().get("pk"), None);
    table.remove_note("rotation").await.unwrap();
    table.remove_note("rotation").await.unwrap();
    assert_eq!(table.read_note::<Note>("rotation").await.unwrap(), None);
}

#[tokio::test]
async fn a_note_that_cannot_be_read_is_not_taken_for_none() {
    let (fake, table) = table().await;
    fake.put(&json!({"pk": "sync#rotation", "keyid": 1}));
    let error = table.read_note::<Note>("rotation").await.unwrap_err().to_string();
    assert!(error.starts_with("sync#rotation: "), "{error}");
}

#[tokio::test]
async fn public_keys_are_published_and_withdrawn() {
    let (fake, table) = table().await;
    for _ in 0..2 {
        table.publish_edge_key("v1", Algorithm::Ed25519, &[0xfb, 0xff, 1]).await.unwrap();
    }
    let stored = json!({"pk": {"S": "edgekey#v1"}, "alg": {"S": "ed25519"}, "public_key": {"S": "-_8B"}});
    assert_eq!(fake.get("edgekey#v1").unwrap(), stored);
    let read = table.public_signing_key("v1").await.unwrap().unwrap().unwrap();
    assert_eq!((read.algorithm, read.spki), (Algorithm::Ed25519, vec![0xfb, 0xff, 1]));
    table.remove_edge_key("v1").await.unwrap();
    table.remove_edge_key("v1").await.unwrap();
    assert!(table.public_signing_key("v1").await.unwrap().is_none());

    fake.put(&json!({"pk": "edgekey#v2", "alg": "rot13", "public_key": ""}));
    assert!(table.public_signing_key("v2").await.unwrap().unwrap().unwrap_err().contains("alg"));
}

#[tokio::test]
async fn a_key_set_keeps_what_it_was_mirrored_from() {
    let (fake, table) = table().await;
    let set = MirroredKeySet {
        jwks_uri: "https://issuer.example/jwks".to_owned(),
        issuer_version: 7,
        keys: r#"{"keys":[]}"#.to_owned(),
        fetched_at: NOW,
        vanished: BTreeMap::new(),
    };
    let iss = "https://issuer.example";
    assert!(table.key_set(iss).await.unwrap().is_none());
    table.put_key_set(iss, &set).await.unwrap();
    assert_eq!(table.key_set(iss).await.unwrap().unwrap().unwrap(), set);
    let stored = fake.get("jwks#https://issuer.example").unwrap();
    assert_eq!(stored["fetched_at"]["N"], NOW.as_secs().to_string());

    fake.put(&json!({"pk": "jwks#https://issuer.example", "jwks_uri": "https://issuer.example/jwks", "keys": "{}"}));
    assert!(table.key_set(iss).await.unwrap().unwrap().unwrap_err().contains("issuer_version"));
}

#[tokio::test]
async fn a_key_set_never_replaces_a_newer_one() {
    let (fake, table) = table().await;
    let iss = "https://issuer.example";
    let put = async |issuer_version, fetched_at: u64| {
        let (jwks_uri, keys) = (format!("{iss}/jwks"), r#"{"keys":[]}"#.to_owned());
        let fetched_at = Timestamp::from_secs(fetched_at);
        let set = MirroredKeySet { jwks_uri, issuer_version, keys, fetched_at, vanished: BTreeMap::new() };
        table.put_key_set(iss, &set).await.unwrap();
        let held = table.key_set(iss).await.unwrap().unwrap().unwrap();
        (held.issuer_version, held.fetched_at.as_secs())
    };
    assert_eq!(put(7, 100).await, (7, 100));
    assert_eq!(put(7, 99).await, (7, 100), "fetched earlier");
    assert_eq!(put(6, 200).await, (7, 100), "of an older record");
    assert_eq!(put(7, 101).await, (7, 101));
    assert_eq!(put(8, 50).await, (8, 50), "of a newer record");
    for unreadable in
        [json!({"pk": format!("jwks#{iss}")}), json!({"pk": format!("jwks#{iss}"), "issuer_version": "9"})]
    {
        fake.put(&unreadable);
        assert_eq!(put(1, 1).await, (1, 1));
    }
}

fn attributes(version: u64, principal: &str) -> Map<String, Value> {
    let record = json!({"version": version, "principal": principal, "grants": ["GET /a"], "context": {"a": "b"}});
    record.as_object().unwrap().clone()
}

#[tokio::test]
async fn a_record_is_written_only_over_what_was_expected() {
    let (fake, table) = table().await;
    let put = async |version, principal, expect| {
        table.put_record("key#x", attributes(version, principal), expect).await.unwrap()
    };
    assert_eq!(put(9, "a", Expect::Version(8)).await, Written::Conflict(None), "it is gone");
    assert_eq!(put(9, "a", Expect::Absent).await, Written::Done);
    assert_eq!(put(10, "b", Expect::Absent).await, Written::Conflict(Some(9)));
    assert_eq!(put(10, "b", Expect::Version(8)).await, Written::Conflict(Some(9)));
    assert_eq!(fake.get("key#x").unwrap()["principal"]["S"], "a");
    assert_eq!(put(10, "b", Expect::Version(9)).await, Written::Done);
    assert_eq!(put(11, "c", Expect::Version(9)).await, Written::Conflict(Some(10)), "the race is lost");

    fake.service.fail_next("PutItem", Outage::Lost, 1);
    assert_eq!(put(11, "c", Expect::Version(10)).await, Written::Done, "although the answer was lost");
    let stored = json!({"pk": {"S": "key#x"}, "version": {"N": "11"}, "principal": {"S": "c"},
        "grants": {"L": [{"S": "GET /a"}]}, "context": {"M": {"a": {"S": "b"}}}});
    assert_eq!(fake.get("key#x").unwrap(), stored);
}

#[tokio::test]
async fn the_change_feed_is_what_lambda_receives() {
    let (fake, table) = table().await;
    table.put_record("key#x", attributes(1, "a"), Expect::Absent).await.unwrap();
    table.put_record("key#x", attributes(2, "a"), Expect::Version(1)).await.unwrap();
    table.put_record("key#x", attributes(2, "a"), Expect::Version(2)).await.unwrap();
    fake.remove("key#x");
    fake.remove("key#x");

    let event: Event = serde_json::from_value(json!({ "Records": fake.stream() })).unwrap();
    let seen: Vec<_> = event
        .records
        .iter()
        .map(|record| {
            let (old, new) = (&record.change.old_image, &record.change.new_image);
            (record.event_name.as_str(), old.contains_key("version"), new.contains_key("version"))
        })
        .collect();
    assert_eq!(seen, [("INSERT", false, true), ("MODIFY", true, true), ("REMOVE", true, false)]);
    let numbers: Vec<_> = event.records.iter().map(|record| record.change.sequence_number.clone().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    fake.forget_stream();
    assert!(fake.stream().is_empty());
}
