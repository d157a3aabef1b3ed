//! The other side of the gateway: authorizers in this process, which know the labels of different
//! moments. What one of them refuses would have been refused in production.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use countersign_authorizer::answer::Answer;
use countersign_authorizer::audit::Journal;
use countersign_authorizer::config::Config;
use countersign_authorizer::handler::Authorizer;
use countersign_authorizer::issuers::IssuerSource;
use countersign_authorizer::signing_keys::SigningKeySource;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_function::records::RecordSource;
use countersign_https::{Https, Network};
use countersign_store::{KeyTable, SigningSecret};
use countersign_tests::events::{Api, Kind, WireRequest};
use countersign_tests::gateway;
use countersign_tests::runtime_api::Reply;
use countersign_tests::signer::{Draft, EdgeKey, nonce};
use tokio::time::Instant;

use super::clock;

/// What is judged here is what an authorizer knows, not how fast this machine is.
const PATIENCE: Duration = Duration::from_secs(4);

pub struct Acceptors {
    pub api: Api,
    env: Vec<(String, String)>,
    dynamodb: aws_sdk_dynamodb::Client,
    secrets_manager: aws_sdk_secretsmanager::Client,
    /// One that a stranger calls at the worst moments, and one that only ever sees what the edge sends.
    warm: Vec<(&'static str, Kind, Authorizer)>,
    seen: Mutex<Vec<Seen>>,
}

/// What one authorizer made of one request.
#[derive(Clone, Debug)]
pub struct Seen {
    pub authorizer: &'static str,
    /// What it was signed with.
    pub keyid: String,
    pub status: u16,
    /// The answer, where it is no Allow.
    pub says: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by the authorizer {}, signed with {}: {}", self.status, self.authorizer, self.keyid, self.says)
    }
}

impl Acceptors {
    pub async fn start(api: Api, env: Vec<(String, String)>, aws: &SdkConfig) -> Self {
        let mut acceptors = Self {
            api,
            env,
            dynamodb: aws_sdk_dynamodb::Client::new(aws),
            secrets_manager: aws_sdk_secretsmanager::Client::new(aws),
            warm: Vec::new(),
            seen: Mutex::default(),
        };
        for (name, kind) in [("bothered by strangers", Kind::RestRequest), ("left alone", Kind::Http2)] {
            let authorizer = acceptors.authorizer().await;
            acceptors.warm.push((name, kind, authorizer));
        }
        acceptors
    }

    /// Whether the gateway lets a request pass: 200, the probe's 204, or the worst status that any of
    /// the authorizers causes. A client's request also meets one that has just been started.
    pub async fn pass(&self, request: &WireRequest) -> u16 {
        let is_probe = request.target.ends_with("/.countersign/probe");
        let cold = if is_probe { None } else { Some(("just started", Kind::Http1, self.authorizer().await)) };
        let mut worst = 200;
        for (name, kind, authorizer) in self.warm.iter().chain(&cold) {
            let (status, says) = self.ask(authorizer, *kind, request).await;
            worst = worst.max(status);
            let keyid = keyid_of(request);
            self.seen.lock().unwrap().push(Seen { authorizer: name, keyid, status, says });
        }
        if worst == 200 && is_probe { 204 } else { worst }
    }

    /// Everything that was seen since the last call of this.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Somebody without a key names one: the authorizer looks for it, now.
    pub async fn bother(&self, keyid: &str, algorithm: &str) {
        let forger = match algorithm {
            "ed25519" => EdgeKey::ed25519(keyid, None),
            "ecdsa-p256-sha256" => EdgeKey::p256(keyid, None),
            _ => EdgeKey::random(keyid),
        };
        let created = clock::now().as_secs();
        let request = Draft::new(&forger, "GET", &self.api.domain, &self.api.target("/items"))
            .parameter("created", created.to_string())
            .parameter("expires", (created + 60).to_string())
            .sign();
        let (_, kind, authorizer) = &self.warm[0];
        let (status, says) = self.ask(authorizer, *kind, &request).await;
        assert_ne!(status, 200, "a forgery was let in: {says}");
    }

    async fn ask(&self, authorizer: &Authorizer, kind: Kind, request: &WireRequest) -> (u16, String) {
        let event = self.api.event(kind, request);
        let answer = authorizer.answer(&event.to_string(), &nonce(), clock::now()).await;
        let says = format!("{answer:?}");
        let error = |error_type: &str, message: &str| Reply::Error {
            error_type: error_type.to_owned(),
            error_message: message.to_owned(),
        };
        let reply = match answer {
            Answer::Body(body) => Reply::Answer(body.into()),
            Answer::Unauthorized => error("Refusal", "Unauthorized"),
            Answer::Error(fault) => error("Fault", fault.code()),
        };
        (gateway::status(kind, gateway::arn_of(&event), &reply), says)
    }

    /// As the authorizer starts itself, with these services and this clock.
    async fn authorizer(&self) -> Authorizer {
        let config = Config::read(|name| self.env.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()));
        let mut config = config.unwrap_or_else(|problems| panic!("{problems}"));
        config.rules.lifetimes.deadline = PATIENCE;
        let lifetimes = config.rules.lifetimes;
        lifetimes.check().expect("lifetimes that fit together");
        let table = Arc::new(KeyTable::new(self.dynamodb.clone(), config.key_table));
        let signing_keys = config.signing_secret.map(|id| {
            let secret = SigningSecret::new(self.secrets_manager.clone(), id);
            SigningKeySource::new(secret, Arc::clone(&table), config.signing_algorithm, lifetimes)
        });
        if let Some(keys) = &signing_keys {
            keys.load(Moment::new(clock::now(), Instant::now(), lifetimes.deadline), &Notes::default()).await;
        }
        Authorizer {
            issuers: IssuerSource::new(Arc::clone(&table), Https::new(Network::Any), lifetimes),
            keys: RecordSource::new("key", lifetimes),
            journal: Journal::new(config.audit, config.metrics_namespace),
            http_answer: config.http_answer,
            rules: config.rules,
            table,
            signing_keys,
        }
    }
}

fn keyid_of(request: &WireRequest) -> String {
    let input = request.header("signature-input").unwrap_or_default();
    let keyid = input.split(";keyid=\"").nth(1).and_then(|rest| rest.split('"').next());
    keyid.unwrap_or_default().to_owned()
}
