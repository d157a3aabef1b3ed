//! Versions are written once and labels move by compare-and-swap.

use std::collections::BTreeMap;

use countersign_store::secret::{CURRENT, Moved, PENDING, PREVIOUS, Put, Started};
use countersign_store::text_secret::current_text;
use countersign_tests::aws::{Outage, clients};
use zeroize::Zeroizing;

use super::secret;

const OLD: &str = "00000000-0000-4000-8000-000000000001";
const NEW: &str = "00000000-0000-4000-8000-000000000002";
const NEXT: &str = "00000000-0000-4000-8000-000000000003";

fn value(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

#[tokio::test]
async fn a_placeholder_gets_its_value_once() {
    let (fake, secret) = secret().await;
    fake.put(OLD, &[CURRENT], Some("old"));
    fake.put(NEW, &[PENDING], None);
    assert!(secret.value(NEW).await.unwrap().is_none(), "a placeholder is no error");

    assert_eq!(secret.put_pending(NEW, &value("new"), None).await.unwrap(), Put::Stored);
    assert_eq!(secret.put_pending(NEW, &value("new"), Some("token")).await.unwrap(), Put::Stored, "the same again");
    assert_eq!(secret.put_pending(NEW, &value("other"), None).await.unwrap(), Put::OtherValueThere);
    assert_eq!(secret.value(NEW).await.unwrap().unwrap().as_str(), "new");
    assert_eq!(fake.holder(CURRENT).as_deref(), Some(OLD), "nothing is promoted by being stored");
    assert_eq!(fake.holder(PENDING).as_deref(), Some(NEW));

    let calls = fake.service.calls();
    let puts: Vec<_> = calls.iter().filter(|call| call.operation == "PutSecretValue").collect();
    assert!(puts.iter().all(|call| call.input["VersionStages"] == serde_json::json!([PENDING])));
    assert_eq!(puts[1].input["RotationToken"], "token");
}

#[tokio::test]
async fn a_value_is_stored_although_the_answer_was_lost_or_is_not_readable_yet() {
    let (fake, secret) = secret().await;
    fake.put(OLD, &[CURRENT], Some("old"));
    fake.put(NEW, &[PENDING], None);
    fake.service.fail_next("PutSecretValue", Outage::Lost, 1);
    assert_eq!(secret.put_pending(NEW, &value("new"), None).await.unwrap(), Put::Stored);
    assert_eq!(fake.service.count("PutSecretValue", NEW), 2);

    fake.delay_value(NEW, 1);
    assert!(secret.value(NEW).await.unwrap().is_none());
    assert_eq!(secret.value(NEW).await.unwrap().unwrap().as_str(), "new");
}

#[tokio::test]
async fn a_label_moves_only_from_where_it_was_seen() {
    let (fake, secret) = secret().await;
    fake.put(OLD, &[CURRENT], Some("old"));
    fake.put(NEW, &[PENDING], Some("new"));
    fake.put(NEXT, &[], Some("next"));

    let unseen = secret.move_label(CURRENT, Some(NEW), None).await.unwrap();
    let Moved::Conflict(words) = unseen else { panic!("{unseen:?}") };
    assert!(words.contains(OLD), "{words}");
    assert!(matches!(secret.move_label(CURRENT, Some(NEW), Some(NEXT)).await.unwrap(), Moved::Conflict(_)));
    assert!(
        matches!(secret.move_label(CURRENT, None, Some(OLD)).await.unwrap(), Moved::Conflict(_)),
        "there must be one"
    );
    assert_eq!(fake.holder(CURRENT).as_deref(), Some(OLD));

    assert_eq!(secret.move_label(CURRENT, Some(NEW), Some(OLD)).await.unwrap(), Moved::Done);
    assert_eq!(secret.move_label(PENDING, None, Some(NEW)).await.unwrap(), Moved::Done);
    assert_eq!(
        fake.labels(),
        BTreeMap::from([(OLD.to_owned(), vec![PREVIOUS.to_owned()]), (NEW.to_owned(), vec![CURRENT.to_owned()])]),
        "AWSPREVIOUS followed by itself"
    );
    assert!(matches!(secret.move_label(CURRENT, Some(NEXT), Some(OLD)).await.unwrap(), Moved::Conflict(_)), "too late");
    assert_eq!(secret.move_label(PREVIOUS, None, Some(OLD)).await.unwrap(), Moved::Done);
    assert_eq!(secret.move_label(PENDING, None, Some(NEW)).await.unwrap(), Moved::Done, "it is off, as was wanted");
    assert_eq!(secret.move_label("RETIRING", Some(OLD), None).await.unwrap(), Moved::Done);
    let described = secret.describe().await.unwrap();
    assert_eq!(described.holder("RETIRING"), Some(OLD));
    assert_eq!(secret.labels().await.unwrap().len(), 1, "a label of someone else's accepts no key");
}

#[tokio::test]
async fn a_move_whose_answer_was_lost_is_done() {
    let (fake, secret) = secret().await;
    fake.put(OLD, &[CURRENT], Some("old"));
    fake.put(NEW, &[PENDING], Some("new"));
    for (label, to, from) in [(CURRENT, Some(NEW), OLD), (PENDING, None, NEW), (PREVIOUS, None, OLD)] {
        fake.service.fail_next("UpdateSecretVersionStage", Outage::Lost, 1);
        assert_eq!(secret.move_label(label, to, Some(from)).await.unwrap(), Moved::Done, "{label}");
    }
    assert_eq!(fake.labels(), BTreeMap::from([(NEW.to_owned(), vec![CURRENT.to_owned()])]));
}

#[tokio::test]
async fn a_rotation_starts_unless_another_is_under_way() {
    let (fake, secret) = secret().await;
    fake.put(OLD, &[CURRENT], Some("old"));
    fake.service.fail_next("RotateSecret", Outage::Lost, 1);
    assert_eq!(secret.start_rotation(NEW).await.unwrap(), Started::Yes, "although the answer was lost");
    let described = secret.describe().await.unwrap();
    assert_eq!((described.holder(CURRENT), described.holder(PENDING)), (Some(OLD), Some(NEW)));
    assert!(described.rotation_enabled);
    assert!(secret.value(NEW).await.unwrap().is_none());

    let second = secret.start_rotation(NEXT).await.unwrap();
    assert!(matches!(&second, Started::Conflict(words) if words.contains("previous rotation")), "{second:?}");
    assert!(fake.rotate(NEXT).is_err(), "nor does the schedule start one");

    secret.put_pending(NEW, &value("new"), None).await.unwrap();
    secret.move_label(CURRENT, Some(NEW), Some(OLD)).await.unwrap();
    assert_eq!(secret.start_rotation(NEXT).await.unwrap(), Started::Yes, "AWSPENDING on the current version is an end");

    fake.set_rotation_enabled(false);
    assert!(!secret.describe().await.unwrap().rotation_enabled);
    let off = secret.start_rotation(&NEXT.replace('3', "4")).await.unwrap();
    assert!(matches!(&off, Started::Conflict(words) if words.contains("rotation function")), "{off:?}");
}

#[tokio::test]
async fn a_plain_secret_is_read_as_it_stands() {
    let (fake, _secret) = secret().await;
    fake.put_other("cloudflare-token", "a token");
    let client = clients::secrets_manager(&fake.service.url());
    assert_eq!(current_text(&client, "cloudflare-token").await.unwrap().unwrap().as_str(), "a token");
    assert!(current_text(&client, "another").await.is_err());
}
