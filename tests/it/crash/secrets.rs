//! The signing secret of a world: a fake, or a Secrets Manager elsewhere whose staging labels are real
//! ones, such as an emulator's. Both are asked in the service's own protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_tests::aws::forward;
use countersign_tests::aws::secrets::Secret;
use countersign_tests::client;
use countersign_tests::fake::Door;
use countersign_tests::gate::Gate;
use countersign_tests::signer::{EdgeKey, nonce};
use serde_json::{Value, json};

/// Names a Secrets Manager to use instead of the fake.
const ELSEWHERE: &str = "COUNTERSIGN_SECRETS_MANAGER_URL";
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/eu-west-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=00";

pub struct Secrets {
    pub url: String,
    /// For the client whose calls pass the gate.
    pub gated_url: String,
    pub arn: String,
    /// The name of the secret that holds the API token.
    pub token_name: String,
    /// Whether RotateSecret makes the placeholder, as the real service does.
    rotates: bool,
    /// What is behind the urls: it ends with this.
    fake: Option<Secret>,
    _gated: Door,
}

impl Secrets {
    /// A secret with one version, AWSCURRENT, whose value is this key's; the `keyid` is not the key's
    /// own where the service chooses it.
    pub async fn start(value: &str, api_token: &str, gate: &Arc<Gate>) -> Self {
        match std::env::var(ELSEWHERE) {
            Ok(url) => Self::elsewhere(url, value, api_token, gate).await,
            Err(_) => Self::fake(value, api_token, gate).await,
        }
    }

    async fn fake(value: &str, api_token: &str, gate: &Arc<Gate>) -> Self {
        let secret = Secret::start("countersign-signing").await;
        secret.put(&token(), &["AWSCURRENT"], Some(value));
        secret.put_other("cloudflare-token", api_token);
        let door = secret.service.with_gate(gate).await;
        Self {
            url: secret.service.url(),
            gated_url: door.url(),
            arn: secret.arn().to_owned(),
            token_name: "cloudflare-token".to_owned(),
            rotates: true,
            fake: Some(secret),
            _gated: door,
        }
    }

    async fn elsewhere(url: String, value: &str, api_token: &str, gate: &Arc<Gate>) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        let door = forward::door(&url, gate).await;
        let (name, token_name) = (format!("countersign-{}", token()), format!("cloudflare-{}", token()));
        let mut secrets = Self {
            gated_url: door.url(),
            url,
            arn: name.clone(),
            token_name,
            rotates: false,
            fake: None,
            _gated: door,
        };
        secrets.must("CreateSecret", json!({ "Name": secrets.token_name, "SecretString": api_token })).await;
        let created = secrets.must("CreateSecret", json!({ "Name": name, "SecretString": value })).await;
        secrets.arn = text(&created["ARN"]);
        // Sets rotation up, and where RotateSecret is a stub rotates besides.
        let nobody = "arn:aws:lambda:eu-west-1:000000000000:function:nobody";
        let set_up = json!({
            "SecretId": secrets.arn,
            "ClientRequestToken": token(),
            "RotationLambdaARN": nobody,
            "RotateImmediately": false,
        });
        secrets.must("RotateSecret", set_up).await;
        if let Some(previous) = secrets.holder("AWSPREVIOUS").await {
            secrets.remove_label("AWSPREVIOUS", &previous).await;
        }
        secrets
    }

    /// Labelled versions with their labels.
    pub async fn labels(&self) -> BTreeMap<String, Vec<String>> {
        let described = self.must("DescribeSecret", json!({ "SecretId": self.arn })).await;
        serde_json::from_value(described["VersionIdsToStages"].clone()).expect("versions and their labels")
    }

    pub async fn holder(&self, label: &str) -> Option<String> {
        let labels = self.labels().await;
        labels.into_iter().find(|(_, own)| own.iter().any(|own| own == label)).map(|(version, _)| version)
    }

    /// The key that a version holds, as text; `None` where it holds none.
    pub async fn value(&self, version: &str) -> Option<String> {
        let value = self.call("GetSecretValue", json!({ "SecretId": self.arn, "VersionId": version })).await;
        value.ok()?["SecretString"].as_str().map(str::to_owned)
    }

    /// Puts something by hand into the version that is AWSPENDING.
    ///
    /// # Panics
    /// Where this is no fake.
    pub fn put_pending(&self, version: &str, value: &str) {
        let fake = self.fake.as_ref().expect("a fake");
        fake.put(version, &["AWSPENDING"], Some(value));
    }

    /// As after CancelRotateSecret, or before there was a schedule.
    ///
    /// # Panics
    /// Where this is no fake.
    pub fn disable_rotation(&self) {
        self.fake.as_ref().expect("a fake").set_rotation_enabled(false);
    }

    /// Starts a rotation as Secrets Manager does, up to the first call of the function.
    ///
    /// # Errors
    /// Another rotation is not finished.
    pub async fn rotate(&self) -> Result<String, String> {
        let token = token();
        let input = json!({ "SecretId": self.arn, "ClientRequestToken": token, "RotateImmediately": true });
        if self.rotates {
            self.call("RotateSecret", input).await?
        } else {
            self.placeholder(&token).await?
        };
        Ok(token)
    }

    /// The emulator takes a version without a value, which the real service makes only by itself.
    async fn placeholder(&self, token: &str) -> Result<Value, String> {
        let (pending, current) = (self.holder("AWSPENDING").await, self.holder("AWSCURRENT").await);
        if let Some(pending) = pending {
            if current.as_ref() != Some(&pending) {
                return Err("A previous rotation isn't complete. That rotation will be reattempted.".to_owned());
            }
            self.remove_label("AWSPENDING", &pending).await;
        }
        let version = json!({ "SecretId": self.arn, "ClientRequestToken": token, "VersionStages": ["AWSPENDING"] });
        self.call("PutSecretValue", version).await
    }

    async fn remove_label(&self, label: &str, from: &str) {
        let input = json!({ "SecretId": self.arn, "VersionStage": label, "RemoveFromVersionId": from });
        self.must("UpdateSecretVersionStage", input).await;
    }

    async fn must(&self, operation: &str, input: Value) -> Value {
        self.call(operation, input).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    async fn call(&self, operation: &str, input: Value) -> Result<Value, String> {
        let target = format!("secretsmanager.{operation}");
        let headers = [
            ("x-amz-target", target.as_str()),
            ("content-type", "application/x-amz-json-1.1"),
            ("authorization", AUTHORIZATION),
        ];
        let (status, body) = client::send("POST", &self.url, &headers, input.to_string().into()).await?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if status == 200 { serde_json::from_str(&body).map_err(|error| error.to_string()) } else { Err(body) }
    }
}

/// A first key of an algorithm; the service names the version that holds it.
pub fn first_key(algorithm: &str) -> EdgeKey {
    match algorithm {
        "hmac-sha256" => EdgeKey::random("first"),
        "ed25519" => EdgeKey::ed25519("first", None),
        "ecdsa-p256-sha256" => EdgeKey::p256("first", None),
        other => panic!("{other} is no algorithm of the edge"),
    }
}

/// A VersionId that nobody has used: 32 to 64 characters.
fn token() -> String {
    let letters: String = [nonce(), nonce()].concat().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{letters:0<40}")[..40].to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text")).to_owned()
}
