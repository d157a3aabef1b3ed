//! Secrets and the deployment of the Worker, and what is refused.

use std::collections::BTreeMap;

use countersign_cloudflare::Error;
use countersign_tests::cloudflare::Binding;

use super::*;

#[tokio::test]
async fn a_patch_makes_one_version_and_leaves_other_secrets_alone() {
    let fake = fake().await;
    let client = client(&fake.url());
    let before = SecretsPatch::default().text("OTHER", "kept").key("EDGE_KEY_B", hmac_key());
    client.put_secrets(SCRIPT, &before, within(5)).await.unwrap();
    client.put_secrets(SCRIPT, &secrets(), within(5)).await.unwrap();

    let key = Binding::Key {
        algorithm: json!({ "name": "HMAC", "hash": "SHA-256" }),
        format: "raw".to_owned(),
        usages: vec!["sign".to_owned(), "verify".to_owned()],
        key_base64: KEY.to_owned(),
    };
    let expected = [
        ("EDGE_KEYS", Binding::Text(TEXT.to_owned())),
        ("EDGE_KEY_A", key),
        ("OTHER", Binding::Text("kept".to_owned())),
    ];
    assert_eq!(fake.deployed(), BTreeMap::from(expected.map(|(name, binding)| (name.to_owned(), binding))));
    assert_eq!(fake.versions().len(), 3, "the first, and one for each patch");
}

#[tokio::test]
async fn a_deployment_is_told_by_its_id_and_is_single_or_not() {
    let fake = fake().await;
    let client = client(&fake.url());
    let first = client.deployment(SCRIPT, within(5)).await.unwrap();
    assert_eq!(first.single(), Some(fake.versions()[0].as_str()));

    client.put_secrets(SCRIPT, &secrets(), within(5)).await.unwrap();
    let second = client.deployment(SCRIPT, within(5)).await.unwrap();
    assert_eq!(second.single(), Some(fake.versions()[1].as_str()));

    fake.rollback(&fake.versions()[0]);
    let third = client.deployment(SCRIPT, within(5)).await.unwrap();
    assert_eq!(third.single(), first.single());
    assert!(first.id != second.id && third.id != first.id && third.id != second.id);
    assert!(fake.deployed().is_empty(), "the first version had no secrets");
    assert_eq!((first.follows, second.follows, third.follows), (None, Some(first.id), Some(second.id)));

    fake.split_deployment();
    let split = client.deployment(SCRIPT, within(5)).await.unwrap();
    assert_eq!((split.single(), split.versions.len()), (None, 2));
}

#[tokio::test]
async fn secrets_of_a_worker_in_the_middle_of_a_change_need_an_operator() {
    let fake = fake().await;
    let client = client(&fake.url());
    let locked = |before: u32| async move {
        let error = client.put_secrets(SCRIPT, &secrets(), within(5)).await.unwrap_err();
        assert!(matches!(&error, Error::NeedsOperator(why) if why.contains("10215")), "{error}");
        assert_eq!(client.calls(), before + 1, "repeating it does not help");
        client
    };
    fake.upload_undeployed_version();
    let client = locked(0).await;
    assert!(fake.deployed().is_empty());
    fake.deploy_newest();
    client.put_secrets(SCRIPT, &secrets(), within(5)).await.unwrap();
    assert_eq!(fake.deployed().len(), 2);
}

#[tokio::test]
async fn a_split_deployment_and_if_cloudflare_likes_a_rollback_need_an_operator() {
    let fake = fake().await;
    let client = client(&fake.url());
    client.put_secrets(SCRIPT, &secrets(), within(5)).await.unwrap();
    fake.rollback(&fake.versions()[0]);
    client.put_secrets(SCRIPT, &secrets(), within(5)).await.unwrap();

    fake.rollback_locks_secrets(true);
    fake.rollback(&fake.versions()[0]);
    for _ in 0..2 {
        let error = client.put_secrets(SCRIPT, &secrets(), within(5)).await.unwrap_err();
        assert!(matches!(error, Error::NeedsOperator(_)), "{error}");
        fake.split_deployment();
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_change() {
    let fake = fake().await;
    let wrong_token = client_of(&fake.url(), ACCOUNT, "wrong");
    let wrong_account = client_of(&fake.url(), "nobody", TOKEN);
    let right = client(&fake.url());
    let cases = [
        (wrong_token.kv_list(NAMESPACE, "", None, within(5)).await.unwrap_err(), 403, 10_000, "check the API token"),
        (wrong_account.kv_list(NAMESPACE, "", None, within(5)).await.unwrap_err(), 404, 10_013, "KV namespace"),
        (right.kv_list("0000", "", None, within(5)).await.unwrap_err(), 404, 10_013, "KV namespace"),
        (right.deployment("nothing/..", within(5)).await.unwrap_err(), 404, 10_007, "name of the Worker"),
    ];
    for (error, expected_status, expected_code, remedy) in cases {
        let Error::Refused { status, code, .. } = error else { panic!("{error}") };
        assert_eq!((status, code), (expected_status, Some(expected_code)));
        assert!(error.to_string().contains(remedy), "{error}");
    }
    assert_eq!(fake.calls().len(), 4, "a refusal is final");
    assert!(fake.calls().last().unwrap().1.ends_with("/scripts/nothing%2F../deployments"));
}

#[test]
fn a_token_is_visible_ascii() {
    for text in ["", "a b", "a\n", "é", &"x".repeat(513)] {
        assert!(Token::new(text.to_owned()).is_err(), "{text:?}");
    }
    assert!(Token::new("x".repeat(512)).is_ok());
}
