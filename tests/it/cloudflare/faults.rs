//! Every fault at every call: the right error, in time, and nothing secret in its words.

use std::time::Duration;

use countersign_cloudflare::Error;
use countersign_tests::cloudflare::Fault;
use countersign_tests::http::{Answer, Server};
use tokio::task::JoinSet;

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Write,
    Delete,
    List,
    Deployment,
    PutSecrets,
}

const CALLS: [Call; 5] = [Call::Write, Call::Delete, Call::List, Call::Deployment, Call::PutSecrets];

impl Call {
    async fn make(self, client: &Client, until: Instant) -> Result<(), Error> {
        match self {
            Self::Write => client.kv_write(NAMESPACE, &[pair("routes")], until).await.map(drop),
            Self::Delete => client.kv_delete(NAMESPACE, &["routes".to_owned()], until).await.map(drop),
            Self::List => client.kv_list(NAMESPACE, "", None, until).await.map(drop),
            Self::Deployment => client.deployment(SCRIPT, until).await.map(drop),
            Self::PutSecrets => client.put_secrets(SCRIPT, &secrets(), until).await,
        }
    }

    const fn writes(self) -> bool {
        !matches!(self, Self::List | Self::Deployment)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Refused(u16),
    Throttled,
    Unavailable,
}

/// A fault, what it comes to, and how many attempts it takes when it stays.
fn faults() -> Vec<(Fault, Kind, usize)> {
    vec![
        (Fault::Status(500), Kind::Unavailable, 3),
        (Fault::Status(503), Kind::Unavailable, 3),
        (Fault::Status(522), Kind::Unavailable, 3),
        (Fault::Status(408), Kind::Unavailable, 3),
        (Fault::Status(409), Kind::Unavailable, 3),
        (Fault::Status(301), Kind::Refused(301), 1),
        (Fault::Status(400), Kind::Refused(400), 1),
        (Fault::Status(401), Kind::Refused(401), 1),
        (Fault::Status(413), Kind::Refused(413), 1),
        (Fault::Status(429), Kind::Throttled, 3),
        (Fault::RetryAfter(300), Kind::Throttled, 1),
        (Fault::SuccessFalse, Kind::Refused(200), 1),
        (Fault::Echo, Kind::Refused(400), 1),
        (Fault::Html, Kind::Unavailable, 3),
        (Fault::Garbage, Kind::Unavailable, 3),
        (Fault::Cut, Kind::Unavailable, 3),
        (Fault::AppliedThenLost, Kind::Unavailable, 3),
        (Fault::Endless, Kind::Unavailable, 1),
        (Fault::Hang, Kind::Unavailable, 2),
        (Fault::Slow(Duration::from_secs(60)), Kind::Unavailable, 2),
        (Fault::Drip(Duration::from_secs(1)), Kind::Unavailable, 2),
    ]
}

const PATIENCE: Duration = Duration::from_secs(7);

#[tokio::test]
async fn a_fault_that_stays_becomes_the_right_error_in_time() {
    let mut cases = JoinSet::new();
    for call in CALLS {
        for (fault, kind, attempts) in faults() {
            cases.spawn(async move { fails(call, fault, kind, attempts).await });
        }
    }
    assert_eq!(cases.join_all().await.len(), CALLS.len() * faults().len());
}

async fn fails(call: Call, fault: Fault, kind: Kind, attempts: usize) {
    let fake = fake().await;
    fake.fail("", fault.clone(), None);
    let client = client(&fake.url());
    let until = Instant::now() + PATIENCE;
    let error = call.make(&client, until).await.expect_err("a call that fails");
    let case = format!("{call:?} with {fault:?}: {error:?}");
    assert!(Instant::now() < until + Duration::from_millis(200), "too late: {case}");

    let found = match &error {
        Error::Refused { status, .. } => Kind::Refused(*status),
        Error::Throttled { .. } => Kind::Throttled,
        Error::Unavailable(_) => Kind::Unavailable,
        Error::NeedsOperator(_) => panic!("{case}"),
    };
    assert_eq!(found, kind, "{case}");
    assert_eq!(fake.calls().len(), attempts, "{case}");
    assert_eq!(client.calls() as usize, attempts, "{case}");
    let says_so = error.to_string().contains("it may have been applied");
    assert_eq!(says_so, call.writes() && kind == Kind::Unavailable, "{case}");
    if fault == Fault::AppliedThenLost && call == Call::PutSecrets {
        assert_eq!(fake.deployed().len(), 2, "{case}");
    }
    says_nothing_secret(&error);
}

fn says_nothing_secret(error: &Error) {
    let said = format!("{error} {error:?}");
    for secret in [TOKEN, KEY, "canary", &KEY[..24], &KEY[20..]] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed() {
    let mut cases = JoinSet::new();
    for call in CALLS {
        for (fault, kind, attempts) in faults() {
            if matches!(kind, Kind::Refused(_)) || attempts == 1 {
                continue;
            }
            cases.spawn(async move {
                let fake = fake().await;
                fake.fail("", fault.clone(), Some(1));
                let client = client(&fake.url());
                call.make(&client, within(10)).await.unwrap_or_else(|error| panic!("{call:?} with {fault:?}: {error}"));
                assert_eq!(fake.calls().len(), 2, "{call:?} with {fault:?}");
            });
        }
    }
    cases.join_all().await;
}

#[tokio::test]
async fn retry_after_is_waited_for_within_the_time_and_not_beyond() {
    let fake = fake().await;
    let client = client(&fake.url());
    fake.fail("", Fault::RetryAfter(2), Some(1));
    let started = Instant::now();
    Call::Write.make(&client, within(10)).await.unwrap();
    assert!((2.0..4.0).contains(&started.elapsed().as_secs_f64()), "{:?}", started.elapsed());

    fake.fail("", Fault::RetryAfter(20), None);
    let started = Instant::now();
    let error = Call::Write.make(&client, within(10)).await.unwrap_err();
    let expected = Some(Duration::from_secs(20));
    assert!(matches!(error, Error::Throttled { retry_after, .. } if retry_after == expected), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(1), "it waited for nothing");
}

#[tokio::test]
async fn what_was_lost_once_may_have_been_applied_even_if_nothing_is_sent_again() {
    let server = Server::start(|_| async { Answer::Cut }).await;
    let client = client(&server.url());
    let (error, ()) = tokio::join!(Call::PutSecrets.make(&client, within(5)), async {
        while client.calls() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.refuse().await;
    });
    assert!(error.unwrap_err().to_string().contains("it may have been applied"));
    let error = Call::PutSecrets.make(&client, within(5)).await.unwrap_err().to_string();
    assert!(error.contains("it was not applied"), "nothing was ever sent: {error}");
}

#[tokio::test]
async fn without_time_nothing_is_called() {
    let fake = fake().await;
    let client = client(&fake.url());
    for call in CALLS {
        let error = call.make(&client, Instant::now()).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
    }
    assert_eq!((fake.calls().len(), client.calls()), (0, 0));
}
