//! A scenario: one request, the deployment it meets, and the world in which it is decided.
//!
//! Knows how to put credentials on a request of each kind: TOKEN events carry one header, so they
//! show the caller's credential itself, where the others show the edge's signature for it.

use std::collections::HashMap;
use std::sync::LazyLock;

use countersign_authorizer::answer::{self, Answer, HttpAnswer};
use countersign_authorizer::config::Config;
use countersign_authorizer::event;
use countersign_decision::decision::Decision;
use countersign_tests::deployment::{KEYID, READER, key_hash, key_record};
use countersign_tests::events::{Api, Kind, WireRequest};
use countersign_tests::gateway;
use countersign_tests::signer::{Draft, EdgeKey};
use serde_json::Value;

use super::world::{NOW, World};

/// The key that [`World`] holds for the edge.
pub static EDGE: LazyLock<EdgeKey> = LazyLock::new(|| EdgeKey::hmac(KEYID, &[7; 32]));

/// Where most requests go; every kind of API has it.
const RESOURCE: &str = "/items";

pub struct Scenario {
    /// Names the row; says what is on the request or wrong with us.
    pub name: &'static str,
    /// Those in which it can happen at all.
    pub kinds: &'static [Kind],
    pub play: fn(Kind) -> Play,
}

/// A scenario that every kind of event can show.
pub const fn every(name: &'static str, play: fn(Kind) -> Play) -> Scenario {
    Scenario { name, kinds: &Kind::ALL, play }
}

/// A scenario about what TOKEN events do not show: other headers, and so an edge's proof.
pub const fn signable(name: &'static str, play: fn(Kind) -> Play) -> Scenario {
    Scenario { name, kinds: &Kind::SIGNABLE, play }
}

/// A scenario that only these kinds can show.
pub const fn on(kinds: &'static [Kind], name: &'static str, play: fn(Kind) -> Play) -> Scenario {
    Scenario { name, kinds, play }
}

#[derive(Clone, Copy)]
pub enum Credential<'c> {
    Key(&'c str),
    Token(&'c str),
}

pub struct Play {
    event: Value,
    /// What the gateway evaluates a policy against, whatever becomes of the event.
    arn: String,
    /// The variables of the deployment; `HTTP_ANSWER` is the table's.
    environment: HashMap<&'static str, String>,
    world: World,
}

impl Play {
    /// A request that reaches a deployment whose callers come through the edge.
    pub fn new(kind: Kind, request: &WireRequest) -> Self {
        let api = api();
        let event = api.event(kind, request);
        let environment = HashMap::from([
            ("APIS", format!("{}/{}", api.id, api.stage)),
            ("AUTHORITIES", api.domain),
            ("KEY_TABLE", "countersign-keys".to_owned()),
            ("SIGNING_SECRET", "countersign-signing".to_owned()),
        ]);
        Self { arn: gateway::arn_of(&event).to_owned(), event, environment, world: World::default() }
    }

    /// A request that the edge signs for the holder of [`READER`], after `finish` has made of the
    /// draft what the scenario wants. Without that it would be allowed.
    pub fn signed(kind: Kind, finish: impl FnOnce(Draft<'static>) -> WireRequest) -> Self {
        Self::new(kind, &finish(draft(RESOURCE).key_hash(&key_hash(READER))))
    }

    /// A request that reaches a deployment which knows no edge.
    pub fn without_edge(kind: Kind, request: &WireRequest) -> Self {
        Self::new(kind, request).env("REQUIRE", "caller").env("SIGNING_SECRET", "").env("AUTHORITIES", "")
    }

    /// The request of a caller, where no edge is known.
    pub fn direct(kind: Kind, credential: Credential<'_>) -> Self {
        Self::direct_to(kind, RESOURCE, credential)
    }

    pub fn direct_to(kind: Kind, resource: &str, credential: Credential<'_>) -> Self {
        let request = plain(resource);
        let request = match (kind, credential) {
            (Kind::RestToken, Credential::Key(raw)) => request.with_header("Authorization", raw),
            (_, Credential::Key(raw)) => request.with_header("X-Api-Key", raw),
            (_, Credential::Token(token)) => request.with_header("Authorization", &format!("Bearer {token}")),
        };
        Self::without_edge(kind, &request)
    }

    /// The request of a caller, through the edge wherever an event can show that.
    pub fn of(kind: Kind, credential: Credential<'_>) -> Self {
        Self::of_to(kind, RESOURCE, credential)
    }

    pub fn of_to(kind: Kind, resource: &str, credential: Credential<'_>) -> Self {
        let draft = draft(resource);
        match (kind, credential) {
            (Kind::RestToken, _) => Self::direct_to(kind, resource, credential),
            (_, Credential::Key(raw)) => Self::new(kind, &draft.key_hash(&key_hash(raw)).sign()),
            (_, Credential::Token(token)) => Self::new(kind, &draft.bearer(token).sign()),
        }
    }

    /// The request of the holder of [`READER`], whose record is changed.
    pub fn of_reader(kind: Kind, change: impl FnOnce(&mut Value)) -> Self {
        Self::of(kind, Credential::Key(READER)).reader(change)
    }

    /// Changes the record of [`READER`].
    #[must_use]
    pub fn reader(self, change: impl FnOnce(&mut Value)) -> Self {
        let mut record = key_record(READER);
        change(&mut record);
        self.world(|world| world.put_key(READER, &record))
    }

    /// Sets one of the deployment's variables.
    #[must_use]
    pub fn env(mut self, name: &'static str, value: &str) -> Self {
        self.environment.insert(name, value.to_owned());
        self
    }

    #[must_use]
    pub fn world(mut self, change: impl FnOnce(&mut World)) -> Self {
        change(&mut self.world);
        self
    }

    #[must_use]
    pub fn event(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.event);
        self
    }

    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Whether the gateway reuses an answer for the caller's other routes.
    pub fn is_cached(&self) -> bool {
        self.environment.contains_key("RESULT_TTL")
    }

    /// `None`: with simple answers it does not start. With policies it must.
    fn start(&self, form: HttpAnswer) -> Option<Config> {
        let http_answer = match form {
            HttpAnswer::Policy => "policy",
            HttpAnswer::Simple => "simple",
        };
        let read = Config::read(|name| match name {
            "HTTP_ANSWER" => Some(http_answer.to_owned()),
            _ => self.environment.get(name).cloned(),
        });
        match read {
            Ok(config) => Some(config),
            Err(_) if form == HttpAnswer::Simple => None,
            Err(problems) => panic!("{problems}"),
        }
    }

    /// From the event's bytes to the answer, as the authorizer goes. `None`: no such deployment starts.
    pub fn decide(mut self, form: HttpAnswer) -> Option<(Decision, Answer)> {
        let config = self.start(form)?;
        let payload = self.event.to_string();
        let request = match event::parse(&payload) {
            Ok(request) => request,
            Err(unreadable) => return Some((Decision::Fault(unreadable.fault), Answer::Error(unreadable.fault))),
        };
        let decision = self.world.decide(&config.rules, &request);
        Some(match answer::render(&decision, &request, config.http_answer) {
            Ok(answer) => (decision, answer),
            Err(fault) => (Decision::Fault(fault), Answer::Error(fault)),
        })
    }
}

pub fn api() -> Api {
    Api::new("a1b2c3d4e5", "prod")
}

/// A request with nothing on it.
pub fn plain(resource: &str) -> WireRequest {
    let api = api();
    WireRequest::new("GET", &api.domain, &api.target(resource))
}

/// A request that the edge is about to sign, at the moment of the decision.
pub fn draft(resource: &str) -> Draft<'static> {
    let api = api();
    times(Draft::new(&EDGE, "GET", &api.domain, &api.target(resource)), 0, 60)
}

/// Sets `created` and `expires`, in seconds from the moment of the decision.
pub fn times(draft: Draft<'static>, created: i64, expires: i64) -> Draft<'static> {
    let at = |offset: i64| NOW.as_secs().checked_add_signed(offset).unwrap().to_string();
    draft.parameter("created", at(created)).parameter("expires", at(expires))
}

/// Replaces the value of a header's only line.
pub fn with(mut request: WireRequest, name: &str, value: &str) -> WireRequest {
    request.headers.retain(|(sent, _)| !sent.eq_ignore_ascii_case(name));
    request.with_header(name, value)
}

/// Changes a record's or token's member.
pub fn set(name: &'static str, value: impl Into<Value>) -> impl FnOnce(&mut Value) {
    let value = value.into();
    move |object| object[name] = value
}
