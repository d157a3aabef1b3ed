//! Asks the edge to prove which key lies in a slot: `POST /.countersign/probe`.
//!
//! The question is signed (RFC 9421) with a labelled key under a tag of its own, and is good for
//! nothing else. The reply proves possession of the slot's key over our nonce, and tells what the
//! gateway answered to a request that the edge signed with it. Judges nothing: `repair` does.

use std::time::Duration;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_decision::limits;
use countersign_decision::request::Headers;
use countersign_decision::signature::base::{Message, Start, Target, signature_base};
use countersign_decision::signature::input::signature_input;
use countersign_https::{Bytes, Request, Response};
use serde::Deserialize;
use tokio::time::Instant;

use crate::repair::edge::Answer;
use crate::report::{Code, JobError};
use crate::signing_key::SigningKey;
use crate::start::KeySync;

/// Which of the edge's keys is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    Active,
    Standby,
}

impl Asked {
    const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Standby => "standby",
        }
    }
}

#[derive(Deserialize)]
struct Reply {
    slot: String,
    keyid: String,
    alg: String,
    /// Base64url without padding.
    signature: String,
    gateway_status: u16,
}

const PATH: &str = "/.countersign/probe";
const COVERED: &str = r#"("@method" "@authority" "@path" "edge-probe")"#;
const TAG: &str = "countersign-probe";
/// What the edge signs to prove possession, before the keyid and the nonce.
const POSSESSION: &str = "countersign-pop";

/// The edge asks its gateway before it replies.
const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST_REPLY: usize = 4096;

/// Asks with each of `keys` until the edge accepts one. `Err`: why there is no answer, for the operator.
pub async fn ask(
    key_sync: &KeySync,
    edge_url: &str,
    asked: Asked,
    keys: &[&SigningKey],
    until: Instant,
) -> Result<Result<Answer, String>, JobError> {
    let mut refused = None;
    for key in keys {
        let nonce = nonce()?;
        let response = match send(key_sync, edge_url, asked, key, &nonce, until).await? {
            Ok(response) => response,
            Err(why) => return Ok(Err(why)),
        };
        match response.status {
            200 => return Ok(read(&response.body, asked, keys, &nonce)),
            409 => return Ok(Ok(Answer::Empty)),
            // Not with this key; the edge may hold another one.
            401 | 403 => refused = Some(response.status),
            404 => return Ok(Err(format!("there is no {PATH} at {edge_url}: check EDGE_URL and the Worker's routes"))),
            status => return Ok(Err(format!("{edge_url}{PATH} answered with status {status}: check EDGE_URL"))),
        }
    }
    if refused == Some(403) {
        let says = "check EDGE_URL, and that nothing in front of the Worker refuses the probe";
        return Ok(Err(format!("{edge_url}{PATH} answered with status 403: {says}")));
    }
    Ok(Ok(Answer::Unverified))
}

async fn send(
    key_sync: &KeySync,
    edge_url: &str,
    asked: Asked,
    key: &SigningKey,
    nonce: &str,
    until: Instant,
) -> Result<Result<Response, String>, JobError> {
    let created = key_sync.now().as_secs();
    let expires = created + key_sync.lifetimes.probe_age.as_secs();
    let (keyid, alg) = (key.keyid(), key.algorithm().as_str());
    let times = format!("created={created};expires={expires}");
    let input = format!(r#"probe={COVERED};{times};keyid="{keyid}";alg="{alg}";nonce="{nonce}";tag="{TAG}""#);
    let probe = format!(r#"slot="{}""#, asked.name());
    let base = base(edge_url, &probe, &input).ok_or_else(|| defect("the probe has no signature base"))?;
    let signature = key.sign(base.as_bytes()).map_err(|_| defect("the probe cannot be signed"))?;
    let headers = vec![
        ("edge-probe", probe),
        ("signature-input", input),
        ("signature", format!("probe=:{}:", STANDARD.encode(signature))),
    ];
    let url = format!("{edge_url}{PATH}");
    let patience = PATIENCE.min(until.saturating_duration_since(Instant::now()));
    let request = Request { method: "POST", url: &url, headers, body: Bytes::new() };
    let response = key_sync.edge.send(request, LARGEST_REPLY, patience).await;
    Ok(response.map_err(|failure| failure.to_string()))
}

fn base(edge_url: &str, probe: &str, input: &str) -> Option<String> {
    let (scheme, authority) = edge_url.split_once("://")?;
    let signatures = signature_input(input).ok()?;
    let [(_, params)] = signatures.as_slice() else { return None };
    let headers = Headers::new(vec![("edge-probe".into(), probe.into())]);
    let target = Some(Target { path: PATH, query: None });
    let start = Start::Request { method: "POST", scheme, authority, target };
    signature_base(&Message { start, headers: &headers }, params).ok()
}

/// What was proved, and by which of our keys it can be checked.
fn read(body: &[u8], asked: Asked, keys: &[&SigningKey], nonce: &str) -> Result<Answer, String> {
    let reply: Reply = serde_json::from_slice(body).map_err(|_| foreign("is none of an edge"))?;
    if reply.slot != asked.name() || !is_keyid(&reply.keyid) {
        return Err(foreign("is about another slot, or names no key"));
    }
    let possession = format!("{POSSESSION}\n{}\n{nonce}", reply.keyid);
    let proves = |key: &SigningKey| {
        let signature = URL_SAFE_NO_PAD.decode(&reply.signature);
        key.algorithm().as_str() == reply.alg
            && signature.is_ok_and(|signature| key.verifier().verify(possession.as_bytes(), &signature))
    };
    let key = keys.iter().find(|key| key.keyid() == reply.keyid);
    Ok(match key {
        Some(key) if proves(key) => Answer::Proved { keyid: reply.keyid, gateway_status: reply.gateway_status },
        _ => Answer::Other { keyid: reply.keyid },
    })
}

fn foreign(says: &str) -> String {
    format!("the answer to {PATH} {says}: check EDGE_URL and the Worker's version")
}

/// It goes into reports: nothing in it that a log line could take for its own.
fn is_keyid(text: &str) -> bool {
    (1..=limits::KEYID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn nonce() -> Result<String, JobError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| defect("no random bytes for a nonce"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn defect(what: &str) -> JobError {
    JobError::new(Code::Defect, what)
}
