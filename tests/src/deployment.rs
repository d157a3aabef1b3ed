//! One deployment: a key table, a signing secret, an API stage, and as many authorizers as wanted.
//!
//! It is seeded with one key of the edge, labelled AWSCURRENT, and one API key, [`READER`].

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::aws::dynamodb::Table;
use crate::aws::secrets::Secret;
use crate::events::{Api, Kind, WireRequest};
use crate::function::{Decided, FailedStart, Function};
use crate::gateway;
use crate::signer::{Draft, EdgeKey};

/// A raw API key, in the form of one imported from elsewhere.
pub const READER: &str = "reader-key-0001-imported";
/// A raw API key that may do anything: what refuses it is not a missing grant.
pub const OWNER: &str = "owner-key-0001-imported";
/// The `keyid` of the edge's first key, and its VersionId.
pub const KEYID: &str = "0d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a001";

pub struct Deployment {
    pub table: Table,
    pub secret: Secret,
    pub edge: EdgeKey,
    pub api: Api,
}

impl Deployment {
    pub async fn new() -> Self {
        Self::of(EdgeKey::random(KEYID)).await
    }

    /// A deployment whose table has [`OWNER`] too.
    pub async fn with_owner() -> Self {
        let deployment = Self::new().await;
        let mut record = key_record(OWNER);
        record["grants"] = json!(["* /*", "CONNECT /"]);
        deployment.table.put(&record);
        deployment
    }

    /// A deployment whose edge signs with this key. The table has its public half, if it has one.
    pub async fn of(edge: EdgeKey) -> Self {
        let (table, secret) = (Table::start("countersign-keys").await, Secret::start("countersign-signing").await);
        secret.put(edge.keyid(), &["AWSCURRENT"], Some(&edge.secret_value()));
        if let Some(record) = edge.record() {
            table.put(&record);
        }
        table.put(&key_record(READER));
        Self { table, secret, edge, api: Api::new("a1b2c3d4e5", "prod") }
    }

    /// The environment variables of its authorizers, without optional ones.
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("APIS", format!("{}/{}", self.api.id, self.api.stage)),
            ("AUTHORITIES", self.api.domain.clone()),
            ("KEY_TABLE", self.table.name().to_owned()),
            ("SIGNING_SECRET", self.secret.arn().to_owned()),
            ("SIGNING_ALGORITHM", self.edge.algorithm().to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.table.service.url()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.secret.service.url()),
            ("ISSUER_NETWORK", "any".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Starts an authorizer; later variables win over [`Deployment::env`].
    pub async fn authorizer(&self, more: &[(&str, &str)]) -> Function {
        let started = self.try_authorizer(more, &[]).await;
        started.unwrap_or_else(|failed| panic!("the authorizer does not start: {failed:?}"))
    }

    /// Tries to start an authorizer, with variables added and others taken away.
    pub async fn try_authorizer(&self, more: &[(&str, &str)], without: &[&str]) -> Result<Function, FailedStart> {
        let own = self.env();
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let env: Vec<_> = own.chain(more.iter().copied()).filter(|(name, _)| !without.contains(name)).collect();
        Function::try_start(&env).await
    }

    /// A request for a resource of the API, to be signed by the edge.
    pub fn draft(&self, method: &str, resource: &str) -> Draft<'_> {
        Draft::new(&self.edge, method, &self.api.domain, &self.api.target(resource))
    }

    /// A request that the edge signed for the holder of a raw API key.
    pub fn signed(&self, method: &str, resource: &str, raw_key: &str) -> WireRequest {
        self.draft(method, resource).key_hash(&key_hash(raw_key)).sign()
    }

    /// Sends a request through this API to an authorizer.
    pub async fn send(&self, function: &Function, kind: Kind, request: &WireRequest) -> Response {
        send(&self.api, function, kind, request).await
    }
}

/// What came of one request.
#[derive(Debug)]
pub struct Response {
    /// What the client sees; 200 stands for whatever the integration answers.
    pub status: u16,
    pub decided: Decided,
}

impl Response {
    pub fn outcome(&self) -> &str {
        self.decided.outcome()
    }

    pub fn code(&self) -> &str {
        self.decided.code()
    }
}

/// Sends a request through any API to an authorizer.
pub async fn send(api: &Api, function: &Function, kind: Kind, request: &WireRequest) -> Response {
    let event = api.event(kind, request);
    let decided = function.decide(event.to_string()).await;
    Response { status: gateway::status(kind, gateway::arn_of(&event), &decided.reply), decided }
}

/// The look-up hash of a raw API key: lower-case hex of its SHA-256.
pub fn key_hash(raw: &str) -> String {
    digest(&SHA256, raw.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An active key that may read and write items and connect.
pub fn key_record(raw: &str) -> Value {
    json!({
        "pk": format!("key#{}", key_hash(raw)),
        "key_id": format!("kid_{}", &key_hash(raw)[..12]),
        "principal": "acme",
        "name": "a key of the tests",
        "status": "active",
        "grants": ["GET /items", "GET /items/*", "POST /items", "CONNECT /"],
        "version": 1_763_800_000_000_u64,
        "created_at": 1_763_800_000_u64,
        "updated_at": 1_763_800_000_u64,
    })
}
