#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::json;

use super::*;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:countersign-signing-AbC123";
const TOKEN: &str = "9b7c0a52-4f1d-4c7e-8a3b-2f5e6d7c8b9a";

fn job(event: &Value) -> Job {
    parse(&event.to_string(), ARN).unwrap()
}

fn refused(event: &Value) -> String {
    let Err(error) = parse(&event.to_string(), ARN) else { panic!("{event} is understood") };
    assert_eq!(error.code, Code::BadInput);
    error.message
}

#[test]
fn secrets_manager_asks_for_steps_of_our_secret_only() {
    let event = |step: &str, secret: &str| json!({"Step": step, "SecretId": secret, "ClientRequestToken": TOKEN});
    for step in [Step::Create, Step::Set, Step::Test, Step::Finish] {
        let Job::Rotation(rotation) = job(&event(step.name(), ARN)) else { panic!("no rotation") };
        assert_eq!((rotation.step, rotation.secret.as_str(), rotation.token.as_str()), (step, ARN, TOKEN));
        assert_eq!(rotation.rotation_token, None);
    }
    assert!(refused(&event("createSecret", &ARN.replace("signing", "other"))).contains("SIGNING_SECRET"));
    assert!(refused(&event("dropSecret", ARN)).contains("Step"));
    assert!(refused(&json!({"Step": "createSecret", "SecretId": ARN, "ClientRequestToken": "short"})).contains("32"));
    assert!(refused(&json!({"Step": "createSecret", "SecretId": ARN})).contains("ClientRequestToken"));
}

#[test]
fn the_rotation_token_is_not_lost() {
    let event = json!({
        "Step": "createSecret", "SecretId": ARN, "ClientRequestToken": TOKEN, "RotationToken": "assumed-role"
    });
    let Job::Rotation(rotation) = job(&event) else { panic!("no rotation") };
    assert_eq!(rotation.rotation_token.as_deref(), Some("assumed-role"));
}

#[test]
fn a_secret_may_be_configured_by_its_name() {
    assert!(is_same_secret(ARN, ARN));
    assert!(is_same_secret(ARN, "countersign-signing"));
    for other in ["countersign", "countersign-signin", "countersign-signing-AbC123-AbC123", "", "signing"] {
        assert!(!is_same_secret(ARN, other), "{other}");
    }
}

#[test]
fn a_stream_keeps_its_order_and_sequence_numbers() {
    let record = |n: u32| {
        json!({
            "eventID": "e", "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1", "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/t/stream/s",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_763_800_000.25, "Keys": {"pk": {"S": format!("key#{n}")}},
                "SequenceNumber": n.to_string(), "SizeBytes": 59, "StreamViewType": "NEW_AND_OLD_IMAGES",
                "NewImage": {"pk": {"S": format!("key#{n}")}, "version": {"N": "1"}},
            },
        })
    };
    let Job::Stream(records) = job(&json!({"Records": [record(2), record(1)]})) else { panic!("no stream") };
    let numbers: Vec<_> = records.iter().map(|record| record.change.sequence_number.as_deref()).collect();
    assert_eq!(numbers, [Some("2"), Some("1")]);
    let mut foreign = record(1);
    foreign["eventSource"] = json!("aws:sqs");
    assert!(refused(&json!({"Records": [foreign]})).contains("aws:dynamodb"));
    assert!(refused(&json!({"Records": "none"})).contains("DynamoDB"));
}

#[test]
fn both_forms_of_a_schedule_are_a_tick() {
    let plain = json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}, "id": "1"});
    assert!(matches!(job(&plain), Job::Tick));
    assert!(matches!(job(&json!({"job": "tick"})), Job::Tick));
}

#[test]
fn operators_are_taken_at_their_word() {
    let direct = |event: Value| match job(&event) {
        Job::Direct(direct, dry_run) => (direct, dry_run.is_dry()),
        other => panic!("{}", other.name()),
    };
    for name in ["bootstrap", "sync", "reconcile", "retire", "mirror-jwks", "rotate-emergency", "status"] {
        let (job, dry) = direct(json!({"job": name}));
        assert_eq!((job.name(), dry), (name, false));
        assert!(direct(json!({"job": name, "dry_run": true})).1);
    }
    let (job, _) = direct(json!({"job": "reconcile", "allow_deletions": true}));
    assert!(matches!(job, Direct::Reconcile { allow_deletions: true }));
    let (job, _) = direct(json!({"job": "sync", "names": ["key#00", "route#home"]}));
    assert!(matches!(job, Direct::Sync { names } if names == ["key#00", "route#home"]));
    let (job, dry) = direct(json!({"job": "put-keys", "keys": [{"hash": "00"}], "dry_run": true}));
    assert!(matches!(job, Direct::PutKeys { keys } if keys.len() == 1) && dry);
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (event, says) in [
        (json!({"job": "reconcile", "dry-run": true}), "dry-run"),
        (json!({"job": "bootstrap", "allow_deletions": true}), "allow_deletions"),
        (json!({"job": "tick", "dry_run": true}), "dry_run"),
        (json!({"job": "reconcile", "dry_run": "yes"}), "dry_run"),
        (json!({"job": "sync", "names": "key#00"}), "names"),
        (json!({"job": "sync", "names": ["nonce#00"]}), "names"),
        (json!({"job": "put-keys"}), "keys"),
        (json!({"job": "erase"}), "rotate-emergency"),
        (json!({"job": 1}), "rotate-emergency"),
        (json!({}), "job"),
    ] {
        let message = refused(&event);
        assert!(message.contains(says), "{event}: {message}");
    }
    assert!(parse("[]", ARN).is_err());
    assert!(parse("", ARN).is_err());
}

#[test]
fn no_value_is_quoted() {
    for event in [
        json!({"job": "canary"}),
        json!({"job": "sync", "names": ["canary"]}),
        json!({"job": "put-keys", "keys": "canary"}),
    ] {
        assert!(!refused(&event).contains("canary"));
    }
}
