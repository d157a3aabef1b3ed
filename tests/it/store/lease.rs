//! One writer at a time, whoever dies, comes back late or asks twice.

use std::sync::Arc;
use std::time::Duration;

use countersign_store::lease::Lease;
use countersign_tests::aws::Outage;
use tokio::task::JoinSet;

use super::{NOW, table};

const SPAN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_lease_has_one_owner_until_it_runs_out() {
    let (fake, table) = table().await;
    assert!(table.take_lease("kv", "one", NOW, SPAN).await.unwrap());
    assert!(!table.take_lease("kv", "two", NOW.plus(SPAN), SPAN).await.unwrap(), "the last moment is still its own");
    assert!(table.take_lease("rotation", "two", NOW, SPAN).await.unwrap(), "another lease is another matter");

    let item = fake.get("sync#lease#kv").unwrap();
    assert_eq!(item["until"]["N"], (NOW.as_millis() + 60_000).to_string());
    assert_eq!(table.lease("kv").await.unwrap(), Some(Lease { owner: "one".to_owned(), until: NOW.plus(SPAN) }));

    let later = NOW.plus(SPAN + Duration::from_millis(1));
    assert!(table.take_lease("kv", "two", later, SPAN).await.unwrap(), "the first owner is taken for dead");
    assert!(!table.renew_lease("kv", "one", later, SPAN).await.unwrap(), "and learns it before it writes");
    table.release_lease("kv", "one").await.unwrap();
    assert_eq!(table.lease("kv").await.unwrap().unwrap().owner, "two", "a late release takes nothing away");
}

#[tokio::test]
async fn renewing_keeps_it_and_releasing_ends_it() {
    let (_fake, table) = table().await;
    assert!(!table.renew_lease("kv", "one", NOW, SPAN).await.unwrap(), "there is nothing to renew");
    assert!(table.take_lease("kv", "one", NOW, SPAN).await.unwrap());
    assert!(table.renew_lease("kv", "one", NOW.plus(SPAN / 2), SPAN).await.unwrap());
    assert!(!table.take_lease("kv", "two", NOW.plus(SPAN + SPAN / 4), SPAN).await.unwrap());
    assert!(table.renew_lease("kv", "one", NOW.plus(SPAN * 3), SPAN).await.unwrap(), "it ran out, and nobody took it");

    table.release_lease("kv", "one").await.unwrap();
    assert!(!table.renew_lease("kv", "one", NOW, SPAN).await.unwrap(), "released is released");
    assert_eq!(table.lease("kv").await.unwrap(), None);
    assert!(table.take_lease("kv", "two", NOW, SPAN).await.unwrap());
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_gets_it() {
    let (_fake, table) = table().await;
    let table = Arc::new(table);
    for round in 0..5_u32 {
        let now = NOW.plus(round * (SPAN + Duration::from_secs(1)));
        let mut asking = JoinSet::new();
        for owner in 0..16 {
            let table = Arc::clone(&table);
            let owner = format!("{round}-{owner}");
            asking.spawn(async move { table.take_lease("kv", &owner, now, SPAN).await.unwrap() });
        }
        let taken = asking.join_all().await;
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "round {round}");
    }
}

#[tokio::test]
async fn an_answer_that_never_came_costs_nobody_the_lease() {
    let (fake, table) = table().await;
    fake.service.fail_next("PutItem", Outage::Lost, 1);
    assert!(table.take_lease("kv", "one", NOW, SPAN).await.unwrap());
    assert_eq!(fake.service.count("PutItem", "sync#lease#kv"), 2, "the second attempt met the first");

    fake.service.fail_next("PutItem", Outage::Lost, 1);
    assert!(table.renew_lease("kv", "one", NOW, SPAN).await.unwrap());
    fake.service.fail_next("DeleteItem", Outage::Lost, 1);
    table.release_lease("kv", "one").await.unwrap();
    assert_eq!(table.lease("kv").await.unwrap(), None);
}
