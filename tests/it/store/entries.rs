//! Records read many at a time: every one, once, whatever lies between them and however DynamoDB cuts
//! its answers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use countersign_store::KeyTable;
use countersign_store::entries::{Cursor, Entry};
use countersign_tests::aws::dynamodb::Table;
use countersign_tests::deployment::key_record;
use serde_json::{Value, json};

use super::table;

fn issuer(iss: &str) -> Value {
    json!({
        "pk": format!("issuer#{iss}"),
        "audiences": ["api"],
        "algorithms": ["RS256"],
        "grants": [{"any": true, "allow": ["GET /items"]}],
        "version": 7,
    })
}

/// Keys and an issuer among twice as many items that are not records of an operator.
fn fill(fake: &Table, keys: usize) -> BTreeSet<String> {
    let mut records: Vec<_> = (0..keys).map(|n| key_record(&format!("key-number-{n}"))).collect();
    records.push(issuer("https://issuer.example"));
    for n in 0..keys {
        fake.put(&json!({"pk": format!("nonce#{n}"), "claimant": "someone", "ttl": 1}));
        fake.put(&json!({"pk": format!("keyring#{n}"), "what": "not ours"}));
    }
    fake.put(&json!({"pk": "sync#edge"}));
    records.iter().for_each(|record| fake.put(record));
    records.iter().map(|record| record["pk"].as_str().unwrap().to_owned()).collect()
}

async fn scan_all(table: &KeyTable, consistent: bool) -> (Vec<String>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = table.scan(cursor, consistent).await.unwrap();
        found.extend(page.entries.iter().map(Entry::pk));
        pages += 1;
        // Across a run's end it is kept as text.
        let Some(next) = page.next else { return (found, pages) };
        cursor = Some(serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap());
    }
}

#[tokio::test]
async fn a_scan_finds_each_record_once_and_nothing_else() {
    let (fake, table) = table().await;
    assert_eq!(scan_all(&table, true).await, (Vec::new(), 1), "an empty table is one empty page");
    let all = fill(&fake, 100);
    for (page_size, pages) in [(7, 302 / 7 + 1), (302, 2), (usize::MAX, 1)] {
        fake.set_page_size(page_size);
        let (found, read) = scan_all(&table, false).await;
        assert_eq!(found.len(), all.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), all);
        assert_eq!(read, pages, "pages of {page_size}");
    }
}

#[tokio::test]
async fn a_cursor_outlives_the_item_it_names() {
    let (fake, table) = table().await;
    let all = fill(&fake, 30);
    fake.set_page_size(10);
    let first = table.scan(None, true).await.unwrap();
    let next = first.next.unwrap();
    let named: String = serde_json::from_value(serde_json::to_value(&next).unwrap()).unwrap();
    fake.remove(&named);

    let mut found: BTreeSet<_> = first.entries.iter().map(Entry::pk).collect();
    let mut cursor = Some(next);
    while let Some(start) = cursor {
        let page = table.scan(Some(start), true).await.unwrap();
        found.extend(page.entries.iter().map(Entry::pk));
        cursor = page.next;
    }
    assert_eq!(found, all);
    let calls = fake.service.calls();
    assert!(calls.iter().all(|call| call.input["ConsistentRead"] == true));
}

#[tokio::test]
async fn a_page_is_a_megabyte_of_the_table() {
    let (fake, table) = table().await;
    for n in 0..12 {
        fake.put(&json!({"pk": format!("nonce#{n}"), "padding": "x".repeat(200_000)}));
    }
    let (found, pages) = scan_all(&table, false).await;
    assert_eq!((found.len(), pages), (0, 3), "pages can be empty and not be the last");
}

#[tokio::test]
async fn names_are_read_a_hundred_at_a_time_until_all_are_answered() {
    let (fake, table) = table().await;
    let all = fill(&fake, 250);
    let absent = format!("key#{}", "0".repeat(64));
    let mut asked: Vec<_> = all.iter().rev().cloned().collect();
    asked.extend([absent.clone(), absent.clone(), "nonce#1".to_owned(), asked[0].clone()]);

    for (limit, calls) in [(None, 3), (Some(40), 3 + 3 + 2)] {
        fake.set_batch_limit(limit);
        fake.service.forget_calls();
        let read = table.read_entries(&asked).await.unwrap();
        assert_eq!(read.len(), all.len() + 2, "each once");
        assert!(read.is_sorted_by(|a, b| a.0 < b.0));
        for (pk, entry) in &read {
            assert_eq!(entry.as_ref().map(Entry::pk), all.contains(pk).then(|| pk.clone()));
        }
        assert_eq!(fake.service.calls().len(), calls, "answering {limit:?} at once");
    }
    let calls = fake.service.calls();
    assert!(calls.iter().all(|call| call.input["RequestItems"][fake.name()]["ConsistentRead"] == true));
    assert!(table.read_entries(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn keys_that_are_never_processed_are_an_outage_within_seconds() {
    let (fake, table) = table().await;
    let all: Vec<_> = fill(&fake, 5).into_iter().collect();
    fake.set_batch_limit(Some(0));
    let began = Instant::now();
    let error = table.read_entries(&all).await.unwrap_err().to_string();
    assert!(error.starts_with("BatchGetItem: ") && error.contains("unprocessed"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn items_are_read_as_plain_values() {
    let (fake, table) = table().await;
    let record = json!({"pk": "key#x", "version": 1_763_800_000_123_u64, "share": 0.5, "off": false, "none": null,
        "grants": ["GET /a"], "context": {"team": "blue"}});
    fake.put(&record);
    let read = table.read_items(&["key#y".to_owned(), "key#x".to_owned()]).await.unwrap();
    let [(x, Some(found)), (y, None)] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!((x.as_str(), y.as_str()), ("key#x", "key#y"));
    let mut expected = record.as_object().unwrap().clone();
    expected.remove("pk");
    assert_eq!(found, &expected);
}

#[tokio::test]
async fn a_malformed_record_is_found_and_says_what_is_wrong() {
    let (fake, table) = table().await;
    let hash = |n: u8| format!("{n:064x}");
    let mut key = key_record("some-key");
    key["status"] = json!("paused");
    key["pk"] = json!(format!("key#{}", hash(1)));
    let mut nobody = issuer("https://nobody.example");
    nobody["audiences"] = json!([]);
    for record in [key, nobody, json!({"pk": "key#abc"}), json!({"pk": "route#r1", "priority": "high"})] {
        fake.put(&record);
    }
    let mut wrong = Vec::new();
    for entry in table.scan(None, true).await.unwrap().entries {
        let error = match &entry {
            Entry::Key { record, .. } => record.as_ref().err(),
            Entry::Issuer { record, .. } => record.as_ref().err(),
            Entry::Route { record, .. } => record.as_ref().err(),
        };
        wrong.push((entry.pk(), error.unwrap().clone()));
    }
    wrong.sort();
    let expected = [
        ("issuer#https://nobody.example".to_owned(), "audiences"),
        (format!("key#{}", hash(1)), "status"),
        ("key#abc".to_owned(), "64"),
        ("route#r1".to_owned(), "priority"),
    ];
    assert_eq!(wrong.len(), expected.len());
    for ((pk, error), (expected, names)) in wrong.iter().zip(&expected) {
        assert!(pk == expected && error.contains(names), "{pk}: {error}");
    }
}
