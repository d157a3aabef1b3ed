//! What could not be done says which call it was, what to change where that is known, and no secret.

use std::time::Duration;

use countersign_store::records::Expect;
use countersign_store::{KeyTable, SigningSecret, Unavailable};
use countersign_tests::aws::{Outage, clients};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{NOW, secret, table};

const CANARY: &str = "canary-3f9d2c-of-a-signing-key";
const VERSION: &str = "00000000-0000-4000-8000-000000000001";
const SPAN: Duration = Duration::from_secs(60);

/// Every call of the table, by the operation it names.
async fn table_errors(table: &KeyTable) -> Vec<(&'static str, Option<Unavailable>)> {
    let note: Map<String, Value> = Map::new();
    vec![
        ("PutItem", table.take_lease("kv", "one", NOW, SPAN).await.err()),
        ("PutItem", table.renew_lease("kv", "one", NOW, SPAN).await.err()),
        ("DeleteItem", table.release_lease("kv", "one").await.err()),
        ("GetItem", table.lease("kv").await.err()),
        ("GetItem", table.read_note::<Map<String, Value>>("x").await.err()),
        ("PutItem", table.write_note("x", &note).await.err()),
        ("DeleteItem", table.remove_note("x").await.err()),
        ("Scan", table.scan(None, true).await.err()),
        ("BatchGetItem", table.read_entries(&["key#x".to_owned()]).await.err()),
        ("BatchGetItem", table.read_items(&["key#x".to_owned()]).await.err()),
        ("PutItem", table.put_record("key#x", note, Expect::Absent).await.err()),
        ("DeleteItem", table.remove_edge_key("v1").await.err()),
        ("GetItem", table.key_set("https://issuer.example").await.err()),
    ]
}

async fn secret_errors(secret: &SigningSecret) -> Vec<(&'static str, Option<Unavailable>)> {
    let value = Zeroizing::new(CANARY.to_owned());
    vec![
        ("DescribeSecret", secret.describe().await.err()),
        ("DescribeSecret", secret.labels().await.err()),
        ("GetSecretValue", secret.value(VERSION).await.err()),
        ("PutSecretValue", secret.put_pending(VERSION, &value, None).await.err()),
        ("UpdateSecretVersionStage", secret.move_label("AWSPENDING", None, Some(VERSION)).await.err()),
        ("RotateSecret", secret.start_rotation(VERSION).await.err()),
    ]
}

#[tokio::test]
async fn every_outage_of_every_call_is_unavailable_and_names_the_call() {
    let (fake_table, table) = table().await;
    let (fake_secret, secret) = secret().await;
    fake_secret.put(VERSION, &["AWSCURRENT"], Some(CANARY));
    for outage in [Outage::Throttle, Outage::ServerError, Outage::Garbage, Outage::AccessDenied, Outage::Refuse] {
        fake_table.service.fail(outage).await;
        fake_secret.service.fail(outage).await;
        let errors = table_errors(&table).await.into_iter().chain(secret_errors(&secret).await);
        for (call, error) in errors {
            let Some(error) = error else { panic!("{outage:?}: {call} came through") };
            let text = error.to_string();
            assert!(text.starts_with(&format!("{call}: ")), "{outage:?}: {text}");
            assert!(!text.contains(CANARY) && !format!("{error:?}").contains(CANARY), "{outage:?}: {call}");
            let advises = text.contains("configuration: the function's role");
            assert_eq!(advises, outage == Outage::AccessDenied, "{text}");
        }
    }
}

#[tokio::test]
async fn a_wrong_name_is_a_matter_of_configuration() {
    let (fake_table, _table) = table().await;
    let (fake_secret, _secret) = secret().await;
    let table = KeyTable::new(clients::dynamodb(&fake_table.service.url()), "another-table".to_owned());
    for (call, error) in table_errors(&table).await {
        let text = error.unwrap().to_string();
        assert!(text.contains("ResourceNotFoundException") && text.contains("configuration: "), "{call}: {text}");
    }
    let client = clients::secrets_manager(&fake_secret.service.url());
    let secret = SigningSecret::new(client, "another-secret".to_owned());
    let text = secret.describe().await.unwrap_err().to_string();
    assert!(text.contains("configuration: "), "{text}");
}
