//! The gateway and the authorizers behind it: several execution environments of different age, each
//! the real binary, asked in turn about every kind of event.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_tests::events::{Api, Kind, WireRequest};
use countersign_tests::function::Function;
use countersign_tests::gateway;
use serde_json::Value;
use tokio::time::sleep;

use super::counts::Counts;

/// Kinds that show a path. A connection to a WebSocket API shows none, so a path of its own says it.
const KINDS: [Kind; 3] = [Kind::RestRequest, Kind::Http1, Kind::Http2];

/// What an authorizer says to a key without a label.
const UNLABELLED: &str = "refuse signature_key_unknown: null";

pub struct Fleet {
    api: Api,
    binary: PathBuf,
    env: Vec<(String, String)>,
    /// The oldest first.
    environments: Mutex<Vec<Arc<Function>>>,
    turn: AtomicUsize,
    is_labelled: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// What signed, and what the environments that are gone have said.
    counts: Mutex<Counts>,
    renewed: AtomicUsize,
}

impl Fleet {
    /// `is_labelled`: whether a key of the edge is to be accepted now.
    pub async fn start(
        api: Api,
        binary: PathBuf,
        env: Vec<(String, String)>,
        size: usize,
        is_labelled: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Arc<Self> {
        let fleet = Self {
            api,
            binary,
            env,
            is_labelled: Box::new(is_labelled),
            environments: Mutex::default(),
            turn: AtomicUsize::default(),
            counts: Mutex::default(),
            renewed: AtomicUsize::default(),
        };
        for _ in 0..size {
            let environment = fleet.cold().await;
            fleet.environments.lock().unwrap().push(environment);
        }
        Arc::new(fleet)
    }

    async fn cold(&self) -> Arc<Function> {
        let env: Vec<_> = self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let started = Function::try_start_of(&self.binary, &env).await;
        Arc::new(started.unwrap_or_else(|failed| panic!("the authorizer does not start: {failed:?}")))
    }

    /// Puts a cold environment in the place of the oldest, which still answers what it was asked.
    pub async fn renew_oldest(&self) {
        let cold = self.cold().await;
        let oldest = {
            let mut environments = self.environments.lock().unwrap();
            environments.push(cold);
            environments.remove(0)
        };
        self.renewed.fetch_add(1, Ordering::Relaxed);
        while Arc::strong_count(&oldest) > 1 {
            sleep(Duration::from_millis(5)).await;
        }
        judge(&oldest, &mut self.counts.lock().unwrap());
    }

    /// Puts cold environments in the place of all, as a change of the function's configuration does.
    pub async fn renew_all(&self) {
        for _ in 0..self.size() {
            self.renew_oldest().await;
        }
    }

    pub fn size(&self) -> usize {
        self.environments.lock().unwrap().len()
    }

    /// How many environments were started cold after the first ones.
    pub fn renewed(&self) -> usize {
        self.renewed.load(Ordering::Relaxed)
    }

    /// What the client sees of a request that the edge has sent: the status that the gateway makes of
    /// the answer, 200 or 204 standing for the integration's.
    pub async fn answer(&self, request: WireRequest) -> u16 {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let (environment, round) = {
            let environments = self.environments.lock().unwrap();
            (environments[turn % environments.len()].clone(), turn / environments.len())
        };
        let path = request.target.split('?').next().unwrap_or_default();
        let inside = path.ends_with("/.countersign/probe");
        let connects = path.trim_end_matches('/') == self.api.target("").trim_end_matches('/');
        let kind = if connects { Kind::WebSocket } else { KINDS[round % KINDS.len()] };
        if !inside {
            let keyid = keyid(&request).to_owned();
            *self.counts.lock().unwrap().signed.entry(keyid).or_default() += 1;
        }
        let is_retired = inside && !(self.is_labelled)(keyid(&request));
        let event = self.api.event(kind, &request);
        let reply = environment.invoke(event.to_string()).await;
        match gateway::status(kind, gateway::arn_of(&event), &reply) {
            200 if inside => 204,
            status => {
                self.counts.lock().unwrap().retired += u64::from(is_retired && status < 500);
                status
            }
        }
    }

    /// Which keys signed, and why requests were not allowed, in the words of the audit lines.
    pub fn counts(&self) -> Counts {
        let mut counts = self.counts.lock().unwrap().clone();
        let environments = self.environments.lock().unwrap();
        environments.iter().for_each(|environment| judge(environment, &mut counts));
        counts.excuse(UNLABELLED, counts.retired);
        counts
    }
}

/// Reads the audit lines of refusals and faults.
fn judge(environment: &Function, counts: &mut Counts) {
    for line in environment.output() {
        let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
        if let (Some(outcome), Some(code)) = (line["outcome"].as_str(), line["code"].as_str())
            && outcome != "allow"
        {
            counts.because(format!("{outcome} {code}: {}", line["causes"]));
        }
    }
}

fn keyid(request: &WireRequest) -> &str {
    let input = request.header("signature-input").unwrap_or_default();
    let from = input.split_once("keyid=\"").map_or("", |(_, rest)| rest);
    from.split('"').next().unwrap_or_default()
}
