//! `POST /.countersign/probe`: who asks with a signature of a key that the edge has is told which key
//! lies in a slot, with a proof, and how the gateway likes what is signed with it.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD as BASE64, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use serde_json::json;

use super::keys::Keys;
use super::{Inside, PROBE};
use crate::http::{Answer, Request};

/// Oldest question, and how far a clock may run ahead, in seconds.
const OLDEST: u64 = 30;
const SKEW: u64 = 5;

/// A signature's parameters, as the question has them.
struct Question<'r> {
    /// From the covered components to the end: the last line of the base.
    params: &'r str,
    created: u64,
    expires: u64,
    keyid: &'r str,
    alg: &'r str,
    nonce: &'r str,
    signature: Vec<u8>,
}

impl Inside {
    pub(super) async fn prove(&self, request: &Request) -> Answer {
        let keys = Keys::of(&self.cloudflare.deployed());
        let Some(question) = Question::read(request) else { return Answer::status(401) };
        if !question.is_accepted(request, &keys, (self.clock)() / 1000) {
            return Answer::status(401);
        }
        let asked = match request.header("edge-probe") {
            r#"slot="active""# => "active",
            r#"slot="standby""# => "standby",
            _ => return Answer::status(400),
        };
        let Some(slot) = keys.slot(asked) else { return Answer::status(409) };
        let key = &slot.key;
        let gateway_status = self.gateway_probe(key).await;
        let possession = key.sign(format!("countersign-pop\n{}\n{}", key.keyid(), question.nonce).as_bytes());
        Answer::json(
            200,
            &json!({
                "slot": asked,
                "keyid": key.keyid(),
                "alg": key.algorithm(),
                "signature": BASE64URL.encode(possession),
                "gateway_status": gateway_status,
            }),
        )
    }
}

impl<'r> Question<'r> {
    fn read(request: &'r Request) -> Option<Self> {
        let params = request.header("signature-input").strip_prefix("probe=")?;
        let (covered, parameters) = params.split_once(';')?;
        let mut question =
            Self { params, created: 0, expires: 0, keyid: "", alg: "", nonce: "", signature: Vec::new() };
        let mut tag = "";
        for parameter in parameters.split(';') {
            let (name, value) = parameter.split_once('=')?;
            let text = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            match name {
                "created" => question.created = value.parse().ok()?,
                "expires" => question.expires = value.parse().ok()?,
                "keyid" => question.keyid = text?,
                "alg" => question.alg = text?,
                "nonce" => question.nonce = text?,
                "tag" => tag = text?,
                _ => return None,
            }
        }
        let signature = request.header("signature").strip_prefix("probe=:")?.strip_suffix(':')?;
        question.signature = BASE64.decode(signature).ok()?;
        let is_whole = covered == r#"("@method" "@authority" "@path" "edge-probe")"# && tag == "countersign-probe";
        (is_whole && (16..=64).contains(&question.nonce.len())).then_some(question)
    }

    /// Signed lately, by a key that lies in one of the slots.
    fn is_accepted(&self, request: &Request, keys: &Keys, now: u64) -> bool {
        let in_time = self.created <= now + SKEW && now <= self.created + OLDEST && now < self.expires;
        let slot = keys.by_keyid(self.keyid).filter(|slot| slot.key.algorithm() == self.alg);
        let base = format!(
            "\"@method\": {}\n\"@authority\": {}\n\"@path\": {PROBE}\n\"edge-probe\": {}\n\"@signature-params\": {}",
            request.method,
            request.header("host").to_ascii_lowercase(),
            request.header("edge-probe"),
            self.params,
        );
        in_time && slot.is_some_and(|slot| slot.verifies(base.as_bytes(), &self.signature))
    }
}
