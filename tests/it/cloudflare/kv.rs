//! Bulk writes, bulk deletes, listings.

use std::time::Duration;

use countersign_tests::cloudflare::Fault;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;

fn pairs(count: usize) -> Vec<Pair> {
    (0..count).map(|n| pair(&format!("key:{n:05}"))).collect()
}

#[tokio::test]
async fn what_is_written_is_listed_page_by_page_and_can_be_deleted() {
    let fake = fake().await;
    let client = client(&fake.url());
    fake.kv_put("routes", "{}", Value::Null);
    let pairs = pairs(2_345);
    let written = client.kv_write(NAMESPACE, &pairs, within(30)).await.unwrap();
    assert_eq!((written.calls, written.failed.len()), (1, 0));
    let stored = fake.kv("key:00017").unwrap();
    assert_eq!((stored.value.as_str(), stored.metadata), ("value of key:00017", json!({ "v": 7 })));

    let (mut listed, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = client.kv_list(NAMESPACE, "key:", cursor.as_deref(), within(30)).await.unwrap();
        listed.extend(page.names);
        pages += 1;
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, 3);
    let expected: Vec<_> = pairs.iter().map(|pair| (pair.name.clone(), Some(pair.metadata.clone()))).collect();
    assert_eq!(listed.into_iter().map(|entry| (entry.name, entry.metadata)).collect::<Vec<_>>(), expected);

    let names: Vec<String> = pairs.into_iter().map(|pair| pair.name).chain(["never-there".to_owned()]).collect();
    let deleted = client.kv_delete(NAMESPACE, &names, within(30)).await.unwrap();
    assert_eq!((deleted.calls, deleted.failed.len()), (1, 0));
    assert_eq!(fake.kv_names(), ["routes"]);
    assert_eq!(client.calls(), 5);
}

#[tokio::test]
async fn an_odd_name_arrives_as_it_is() {
    let fake = fake().await;
    let client = client(&fake.url());
    let name = "issuer:https://login.example/tenant a?b=c&d=%2F#é";
    let odd = Pair { metadata: Value::Null, ..pair(name) };
    client.kv_write(NAMESPACE, std::slice::from_ref(&odd), within(5)).await.unwrap();
    assert_eq!(fake.kv(name).unwrap().value, odd.value);
    let listed = client.kv_list(NAMESPACE, name, None, within(5)).await.unwrap();
    assert_eq!(
        listed.names.iter().map(|entry| (entry.name.as_str(), &entry.metadata)).collect::<Vec<_>>(),
        [(name, &None)]
    );
}

#[tokio::test]
async fn ten_thousand_and_one_pairs_take_two_calls_and_none_takes_none() {
    let fake = fake().await;
    let client = client(&fake.url());
    let written = client.kv_write(NAMESPACE, &pairs(10_001), within(30)).await.unwrap();
    assert_eq!((written.calls, written.failed.len(), fake.kv_names().len()), (2, 0, 10_001));
    let names: Vec<String> = fake.kv_names();
    assert_eq!(client.kv_delete(NAMESPACE, &names, within(30)).await.unwrap().calls, 2);
    assert_eq!(fake.kv_names().len(), 0);
    assert_eq!(client.kv_write(NAMESPACE, &[], within(30)).await.unwrap().calls, 0);
    assert_eq!(fake.calls().len(), 4);
}

#[tokio::test]
async fn unsuccessful_keys_are_sent_again_and_only_they() {
    let fake = fake().await;
    let client = client(&fake.url());
    let unlucky = vec!["key:00001".to_owned(), "key:00003".to_owned()];
    fake.fail("/bulk", Fault::PartialSuccess(unlucky.clone()), Some(1));
    let written = client.kv_write(NAMESPACE, &pairs(5), within(10)).await.unwrap();
    assert_eq!((written.calls, written.failed.len(), fake.kv_names().len()), (2, 0, 5));

    fake.fail("/bulk", Fault::PartialSuccess(unlucky.clone()), None);
    let names = fake.kv_names();
    let deleted = client.kv_delete(NAMESPACE, &names, within(10)).await.unwrap();
    assert_eq!((deleted.calls, deleted.failed), (3, unlucky.clone()), "reported after three rounds");
    assert_eq!(fake.kv_names(), unlucky);
}

#[tokio::test]
async fn rounds_end_with_the_time() {
    let fake = fake().await;
    fake.fail("/bulk", Fault::PartialSuccess(vec!["key:00001".to_owned()]), None);
    let started = Instant::now();
    let written = client(&fake.url()).kv_write(NAMESPACE, &pairs(3), within(1)).await.unwrap();
    assert_eq!((written.calls, written.failed), (1, vec!["key:00001".to_owned()]));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_second_write_to_a_name_within_a_second_gets_there() {
    let fake = fake().await;
    fake.strict_write_rate();
    let client = client(&fake.url());
    for value in ["one", "two"] {
        let pair = Pair { value: value.to_owned(), ..pair("routes") };
        assert_eq!(client.kv_write(NAMESPACE, &[pair], within(5)).await.unwrap().failed.len(), 0);
    }
    assert_eq!(fake.kv("routes").unwrap().value, "two");
    assert_eq!(client.calls(), 3);
}

#[tokio::test]
async fn a_pair_that_kv_cannot_hold_is_reported_and_spoils_nothing() {
    let fake = fake().await;
    let long = "k".repeat(513);
    let wide = Pair { metadata: json!({ "d": "x".repeat(1024) }), ..pair("wide") };
    let pairs = [pair("good"), pair(&long), wide, pair(".."), pair("")];
    let written = client(&fake.url()).kv_write(NAMESPACE, &pairs, within(5)).await.unwrap();
    assert_eq!(written.failed, [&long, "wide", "..", ""]);
    assert_eq!(fake.kv_names(), ["good"]);
}
