//! The edge's own requests, signed under `tag="countersign-inside"`: probes, key look-ups, log batches.

use std::collections::VecDeque;
use std::sync::Mutex;

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::keys::Keys;
use super::{Answered, Inside, PROBE, ray};
use crate::http::Request;
use crate::signer::EdgeKey;

/// Log lines that wait, each a JSON object. Of more than a batch holds, the oldest are forgotten.
#[derive(Default)]
pub(super) struct Log(Mutex<VecDeque<String>>);

const LARGEST_BATCH: usize = 500;

impl Inside {
    /// The Worker's own request to the gateway's probe, signed with the key in question.
    pub(super) async fn gateway_probe(&self, key: &EdgeKey) -> u16 {
        self.knock(key, "GET", PROBE, Bytes::new()).await.status
    }

    /// What the table says about a key that KV does not have; `Err`: the status for the client.
    pub(super) async fn look_up(&self, hash: &str) -> Result<Option<Value>, u16> {
        if !self.origin.has_doors {
            return Ok(None);
        }
        let keys = Keys::of(&self.cloudflare.deployed());
        let answered = self.knock(keys.active().ok_or(503_u16)?, "GET", &key_door(hash), Bytes::new()).await;
        match answered.status {
            200 => Ok(Some(serde_json::from_slice(&answered.body).expect("the door answers with JSON"))),
            404 => Ok(None),
            _ => Err(503),
        }
    }

    pub(super) fn log(&self, request: &Request, ray: &str, status: u16) {
        if !self.origin.has_doors {
            return;
        }
        let path = request.target.split('?').next();
        let line = json!({ "edge": "stand-in", "ray": ray, "method": request.method, "path": path, "status": status });
        let mut lines = self.log.0.lock().unwrap();
        lines.push_back(line.to_string());
        if lines.len() > LARGEST_BATCH {
            lines.pop_front();
        }
    }

    pub(super) async fn send_logs(&self) -> Option<Answered> {
        let keys = Keys::of(&self.cloudflare.deployed());
        let active = keys.active()?;
        let lines: Vec<String> = self.log.0.lock().unwrap().drain(..).collect();
        if lines.is_empty() {
            return None;
        }
        Some(self.knock(active, "POST", "/.countersign/logs", lines.join("\n").into()).await)
    }

    async fn knock(&self, key: &EdgeKey, method: &str, door: &str, body: Bytes) -> Answered {
        let target = format!("{}{door}", self.origin.prefix);
        let mut draft = self.draft(key, method, &target, &ray(), &body).parameter("tag", "\"countersign-inside\"");
        if !body.is_empty() {
            draft = draft.header("Content-Type", "application/x-ndjson");
        }
        (self.origin.exchange)(draft.sign(), body).await
    }
}

fn key_door(hash: &str) -> String {
    format!("/.countersign/keys/{hash}")
}
