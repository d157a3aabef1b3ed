//! Each dependency down in every way it can be: what is warm goes on, what is unknown is a Fault
//! within a second, nothing is allowed that would not be, nothing is denied that would not be.

use std::time::Duration;

use countersign_tests::aws::Outage;
use countersign_tests::deployment::{Deployment, READER, Response, key_record};
use countersign_tests::events::{Kind, WireRequest};
use countersign_tests::function::Function;
use countersign_tests::issuer::{Algorithm, Fault, Issuer, SigningKey, token};
use countersign_tests::signer::{Draft, EdgeKey};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// All look-ups of a decision share 900 ms; the rest is for a debug build on a busy machine.
const SOON: Duration = Duration::from_millis(1500);
const AUDIENCE: &str = "https://api.example.com";

/// Neither allowed nor denied, and soon.
#[track_caller]
fn assert_fault(response: &Response, code: &str, what: impl std::fmt::Debug) {
    assert_eq!((response.status, response.outcome(), response.code()), (500, "fault", code), "{what:?}: {response:?}");
    assert!(response.decided.took < SOON, "{what:?}: {:?}", response.decided.took);
}

#[track_caller]
fn assert_allowed(response: &Response, what: impl std::fmt::Debug) {
    assert_eq!((response.status, response.outcome()), (200, "allow"), "{what:?}: {response:?}");
    assert!(response.decided.took < SOON, "{what:?}: {:?}", response.decided.took);
}

/// A few cases side by side: they wait more than they work, but each one is a process.
async fn for_each<T: Copy + Send + 'static, F>(cases: &[T], check: fn(T) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    for few in cases.chunks(3) {
        all_at_once(few, check).await;
    }
}

/// For cases that mostly sleep.
async fn all_at_once<T: Copy + Send + 'static, F>(cases: &[T], check: fn(T) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for &case in cases {
        running.spawn(check(case));
    }
    running.join_all().await;
}

#[tokio::test]
async fn the_table_is_down() {
    for_each(Outage::DOWN, |outage| async move {
        let deployment = Deployment::new().await;
        deployment.table.put(&key_record("second-key-0001-imported"));
        let function = deployment.authorizer(&[]).await;
        let warm = deployment.signed("GET", "/items", READER);
        assert_allowed(&deployment.send(&function, Kind::Http2, &warm).await, outage);

        deployment.table.service.fail(outage).await;
        for kind in Kind::SIGNABLE {
            assert_allowed(&deployment.send(&function, kind, &warm).await, (outage, kind));
            // There or not: neither can be known.
            for raw in ["second-key-0001-imported", "nobody-key-0001-imported"] {
                let cold = deployment.signed("GET", "/items", raw);
                assert_fault(&deployment.send(&function, kind, &cold).await, "table_unavailable", (outage, kind, raw));
            }
        }

        deployment.table.service.recover();
        sleep(Duration::from_millis(1100)).await;
        let second = deployment.signed("GET", "/items", "second-key-0001-imported");
        assert_allowed(&deployment.send(&function, Kind::Http2, &second).await, outage);
        let nobody = deployment.signed("GET", "/items", "nobody-key-0001-imported");
        assert_eq!(deployment.send(&function, Kind::Http2, &nobody).await.code(), "key_unknown", "{outage:?}");
    })
    .await;
}

#[tokio::test]
async fn a_slow_table_is_waited_for() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    deployment.table.service.fail(Outage::Slow(Duration::from_millis(250))).await;
    let request = deployment.signed("GET", "/items", READER);
    assert_allowed(&deployment.send(&function, Kind::Http2, &request).await, "250 ms");
}

#[tokio::test]
async fn the_secret_is_down_from_the_start() {
    for_each(Outage::DOWN, |outage| async move {
        let deployment = Deployment::new().await;
        deployment.secret.service.fail(outage).await;
        let began = Instant::now();
        let function = deployment.authorizer(&[]).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{outage:?} held the start up for {:?}", began.elapsed());

        let request = deployment.signed("GET", "/items", READER);
        for kind in Kind::SIGNABLE {
            assert_fault(&deployment.send(&function, kind, &request).await, "labels_unavailable", (outage, kind));
        }
        assert_eq!(deployment.table.service.count("GetItem", "key#"), 0, "nobody has proved anything");

        deployment.secret.service.recover();
        sleep(Duration::from_millis(1100)).await;
        assert_allowed(&deployment.send(&function, Kind::Http2, &request).await, outage);
    })
    .await;
}

#[tokio::test]
async fn the_secrets_values_are_down_from_the_start() {
    for_each(&[Outage::Hang, Outage::Throttle, Outage::AccessDenied, Outage::Garbage], |outage| async move {
        let deployment = Deployment::new().await;
        deployment.secret.service.fail_operation("GetSecretValue", outage);
        let function = deployment.authorizer(&[]).await;
        let request = deployment.signed("GET", "/items", READER);
        let response = deployment.send(&function, Kind::RestRequest, &request).await;
        assert_fault(&response, "signing_key_unavailable", outage);

        deployment.secret.service.recover();
        sleep(Duration::from_millis(1100)).await;
        assert_allowed(&deployment.send(&function, Kind::RestRequest, &request).await, outage);
    })
    .await;
}

/// A public key that cannot be read is a Fault too: with ed25519 the table is where keys are.
#[tokio::test]
async fn the_table_is_down_from_the_start_where_it_holds_the_edges_keys() {
    let deployment = Deployment::of(EdgeKey::ed25519("0d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a002", None)).await;
    deployment.table.service.fail(Outage::Hang).await;
    let function = deployment.authorizer(&[]).await;
    let request = deployment.signed("GET", "/items", READER);
    let response = deployment.send(&function, Kind::Http2, &request).await;
    assert_fault(&response, "signing_key_unavailable", "ed25519");

    deployment.table.service.recover();
    sleep(Duration::from_millis(1100)).await;
    assert_allowed(&deployment.send(&function, Kind::Http2, &request).await, "ed25519");
}

#[tokio::test]
async fn an_edge_key_that_is_not_there_yet_is_no_strangers() {
    let pending = EdgeKey::random("0d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a003");
    let deployment = Deployment::new().await;
    deployment.secret.put(pending.keyid(), &["AWSPENDING"], None);
    let function = deployment.authorizer(&[]).await;
    let request = || Draft::new(&pending, "GET", &deployment.api.domain, &deployment.api.target("/items")).sign();

    for _ in 0..20 {
        let response = deployment.send(&function, Kind::Http2, &request()).await;
        assert_fault(&response, "signing_key_unavailable", "a placeholder");
    }
    let asked = deployment.secret.service.count("GetSecretValue", pending.keyid());
    assert!(asked <= 1, "a placeholder was asked for {asked} times");
}

#[tokio::test]
async fn a_secret_without_any_key_is_a_fault_of_its_own() {
    let deployment = Deployment::new().await;
    deployment.secret.put(deployment.edge.keyid(), &["AWSCURRENT"], None);
    let function = deployment.authorizer(&[]).await;
    let request = deployment.signed("GET", "/items", READER);
    assert_fault(&deployment.send(&function, Kind::Http2, &request).await, "no_signing_key", "no value");
}

/// A secret has a current version at all times: an answer without one is a broken answer.
#[tokio::test]
async fn labels_without_a_current_one_are_no_answer() {
    let deployment = Deployment::new().await;
    deployment.secret.unlabel(deployment.edge.keyid());
    let function = deployment.authorizer(&[]).await;
    let request = deployment.signed("GET", "/items", READER);
    for kind in Kind::SIGNABLE {
        assert_fault(&deployment.send(&function, kind, &request).await, "labels_unavailable", kind);
    }
    deployment.secret.put(deployment.edge.keyid(), &["AWSCURRENT"], Some(&deployment.edge.secret_value()));
    sleep(Duration::from_millis(1100)).await;
    assert_allowed(&deployment.send(&function, Kind::Http2, &request).await, "labelled");
}

/// The caller's own credential at work: a bearer token through an unsigned deployment.
struct Tokens {
    deployment: Deployment,
    issuer: Issuer,
    function: Function,
}

impl Tokens {
    async fn new(key: &SigningKey, discovery: bool) -> Self {
        let (deployment, issuer) = (Deployment::new().await, Issuer::start(&[key]).await);
        let mut record = issuer.record(AUDIENCE);
        if discovery {
            record.as_object_mut().unwrap().remove("jwks_uri");
        }
        deployment.table.put(&record);
        let function = deployment.authorizer(&[("REQUIRE", "caller")]).await;
        Self { deployment, issuer, function }
    }

    async fn ask(&self, kind: Kind, key: &SigningKey) -> Response {
        let bearer = format!("Bearer {}", token(key, &self.issuer.claims(AUDIENCE)));
        let (domain, target) = (&self.deployment.api.domain, self.deployment.api.target("/items"));
        let request = WireRequest::new("GET", domain, &target).with_header("Authorization", &bearer);
        self.deployment.send(&self.function, kind, &request).await
    }
}

const KINDS: [Kind; 4] = [Kind::RestToken, Kind::RestRequest, Kind::Http1, Kind::Http2];

#[tokio::test]
async fn the_issuer_is_down_before_its_keys_were_seen() {
    for_each(Fault::NO_KEYS, |fault| async move {
        for discovery in [false, true] {
            // Only discovery can speak for the wrong issuer.
            if fault == Fault::WrongIssuer && !discovery {
                continue;
            }
            let key = SigningKey::generate("2026-11", Algorithm::Es256);
            let tokens = Tokens::new(&key, discovery).await;
            tokens.issuer.fail(fault).await;
            for kind in KINDS {
                assert_fault(&tokens.ask(kind, &key).await, "issuer_unavailable", (fault, kind, discovery));
            }
            // A set of keys is fetched once, and after a failure not again for a while.
            let asked = tokens.issuer.count("");
            assert!(asked <= 4, "{fault:?}: {asked} requests for one key set");
        }
    })
    .await;
}

#[tokio::test]
async fn the_issuer_is_down_after_its_keys_were_seen() {
    // Who the issuer is was settled by discovery, once.
    let faults: Vec<_> = Fault::NO_KEYS.iter().copied().filter(|fault| *fault != Fault::WrongIssuer).collect();
    all_at_once(&faults, |fault| async move {
        let [key, rotated] = ["2026-11", "2026-12"].map(|kid| SigningKey::generate(kid, Algorithm::Es256));
        let tokens = Tokens::new(&key, true).await;
        assert_allowed(&tokens.ask(Kind::Http2, &key).await, fault);

        tokens.issuer.publish(&[&key, &rotated]);
        tokens.issuer.fail(fault).await;
        // Until then the set is young enough to know a stranger.
        sleep(Duration::from_secs(31)).await;
        for kind in KINDS {
            assert_allowed(&tokens.ask(kind, &key).await, (fault, kind));
            assert_fault(&tokens.ask(kind, &rotated).await, "issuer_unavailable", (fault, kind));
            assert_allowed(&tokens.ask(kind, &key).await, (fault, kind));
        }
    })
    .await;
}

#[tokio::test]
async fn the_record_of_an_issuer_cannot_be_read() {
    let key = SigningKey::generate("2026-11", Algorithm::EdDsa);
    let tokens = Tokens::new(&key, false).await;
    tokens.deployment.table.service.fail(Outage::Throttle).await;
    for kind in KINDS {
        assert_fault(&tokens.ask(kind, &key).await, "table_unavailable", kind);
    }
    assert_eq!(tokens.issuer.count(""), 0, "a stranger's URL is nobody to call");
}

#[tokio::test]
async fn two_keys_of_one_name_are_no_key() {
    let [key, other] = ["2026-11", "2026-12"].map(|kid| SigningKey::generate(kid, Algorithm::Es256));
    let tokens = Tokens::new(&key, false).await;
    tokens.issuer.publish(&[&key, &other]);
    tokens.issuer.fail(Fault::DuplicateKid).await;
    for kind in KINDS {
        let response = tokens.ask(kind, &key).await;
        assert_eq!((response.outcome(), response.code()), ("refuse", "token_key_unknown"), "{kind:?}");
        assert_allowed(&tokens.ask(kind, &other).await, kind);
    }
}

/// Past every freshness: the record is older than 30 s, the labels are older than 60 s, and all is
/// down for longer than that. Warm callers notice nothing, and a stranger still gets a Fault.
#[tokio::test]
async fn a_long_outage_of_everything() {
    let key = SigningKey::generate("2026-11", Algorithm::EdDsa);
    let issuer = Issuer::start(&[&key]).await;
    let deployment = Deployment::new().await;
    deployment.table.put(&issuer.record(AUDIENCE));
    let function = deployment.authorizer(&[]).await;
    let by_key = || deployment.signed("GET", "/items", READER);
    let by_token = || {
        let bearer = token(&key, &issuer.claims(AUDIENCE));
        deployment.draft("GET", "/items").bearer(&bearer).sign()
    };
    assert_allowed(&deployment.send(&function, Kind::Http2, &by_key()).await, "warming");
    assert_allowed(&deployment.send(&function, Kind::Http2, &by_token()).await, "warming");

    let warm = Instant::now();
    deployment.table.service.fail(Outage::Hang).await;
    deployment.secret.service.fail(Outage::Hang).await;
    issuer.fail(Fault::Hang).await;
    for seconds in [0, 11, 31, 33, 62, 63] {
        tokio::time::sleep_until(warm + Duration::from_secs(seconds)).await;
        for _ in 0..3 {
            assert_allowed(&deployment.send(&function, Kind::Http2, &by_key()).await, ("key", seconds));
            assert_allowed(&deployment.send(&function, Kind::RestRequest, &by_token()).await, ("token", seconds));
        }
        let nobody = deployment.signed("GET", "/items", "nobody-key-0001-imported");
        assert_fault(&deployment.send(&function, Kind::Http2, &nobody).await, "table_unavailable", seconds);
        // For ten seconds the labels are young enough to know a stranger.
        if seconds > 10 {
            let stranger = EdgeKey::random("0d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a0ff");
            let request = Draft::new(&stranger, "GET", &deployment.api.domain, "/prod/items").sign();
            let response = deployment.send(&function, Kind::Http2, &request).await;
            assert_fault(&response, "labels_unavailable", seconds);
        }
    }
    let calls = deployment.table.service.calls().len() + deployment.secret.service.calls().len();
    assert!(calls < 60, "{calls} calls in an outage that nobody answers");
}
