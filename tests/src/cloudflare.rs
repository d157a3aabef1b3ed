//! Cloudflare's API as far as publishing needs it: one account with one KV namespace and one Worker.
//!
//! Owns the envelope, the bearer check, what goes wrong, and a record of every call. What the calls
//! do is in [`kv`] and [`worker`]; tests look at their effect, and change things behind the back of
//! whoever publishes, without a call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::fake::{Door, Fake, serve};
use crate::gate::Gate;
use crate::http::{Answer, Request, Server};

mod kv;
mod worker;

pub use kv::Stored;
pub use worker::Binding;

/// How a call goes wrong. Where not said otherwise, nothing is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// This status, with an envelope around an error.
    Status(u16),
    /// 502 with a page for people.
    Html,
    /// 200, with a body that is not JSON.
    Garbage,
    /// 200, with an envelope that says that it is none.
    SuccessFalse,
    /// The connection is closed without an answer.
    Cut,
    Hang,
    /// The right answer, this much later.
    Slow(Duration),
    /// It is done, and the answer comes eight bytes at a time, this far apart.
    Drip(Duration),
    /// It is done but for these names, which the answer calls unsuccessful.
    PartialSuccess(Vec<String>),
    /// It is done, and the connection is closed without an answer.
    AppliedThenLost,
    /// 429, with this many seconds in `Retry-After`.
    RetryAfter(u64),
    /// 200, and a body that never ends.
    Endless,
    /// 400, with a message that quotes the credential and the body of the request.
    Echo,
}

/// An error as Cloudflare words it.
struct Refusal {
    status: u16,
    code: u64,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: u64, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

/// What a call answers with, inside the envelope.
struct Done {
    result: Value,
    result_info: Value,
}

impl From<Value> for Done {
    fn from(result: Value) -> Self {
        Self { result, result_info: Value::Null }
    }
}

pub struct Cloudflare {
    server: Server,
    inside: Arc<Inside>,
}

struct Inside {
    /// `Bearer …`.
    credential: String,
    /// `/accounts/…/storage/kv/namespaces/…/` and `/accounts/…/workers/scripts/…/`.
    kv_path: String,
    worker_path: String,
    kv: Mutex<kv::Namespace>,
    worker: Mutex<worker::Worker>,
    faults: Mutex<Vec<Planned>>,
    calls: Mutex<Vec<(String, String)>>,
}

struct Planned {
    matching: String,
    fault: Fault,
    left: Option<u32>,
}

impl Cloudflare {
    /// An empty namespace, and a Worker of one version, deployed, without secrets.
    pub async fn start(account: &str, token: &str, namespace: &str, script: &str) -> Self {
        let inside = Arc::new(Inside {
            credential: format!("Bearer {token}"),
            kv_path: format!("/accounts/{account}/storage/kv/namespaces/{namespace}/"),
            worker_path: format!("/accounts/{account}/workers/scripts/{script}/"),
            kv: Mutex::default(),
            worker: Mutex::new(worker::Worker::new()),
            faults: Mutex::default(),
            calls: Mutex::default(),
        });
        Self { server: serve(&inside).await, inside }
    }

    /// The base URL of the API.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Opens a further port, whose calls pass the gate as `PUT …/bulk`, `PATCH …/secrets-bulk`.
    pub async fn with_gate(&self, gate: &Arc<Gate>) -> Door {
        Door::open(&self.inside, gate, Inside::name_of).await
    }

    /// Breaks calls whose method and path contain `matching`, the next `times` of them or all from
    /// now on. Of several faults that match, the first that was set is in effect.
    pub fn fail(&self, matching: &str, fault: Fault, times: Option<u32>) {
        let planned = Planned { matching: matching.to_owned(), fault, left: times };
        self.inside.faults.lock().unwrap().push(planned);
    }

    pub fn recover(&self) {
        self.inside.faults.lock().unwrap().clear();
    }

    /// Method and path with query of every call so far, in order, answered or not.
    pub fn calls(&self) -> Vec<(String, String)> {
        self.inside.calls.lock().unwrap().clone()
    }

    pub fn forget_calls(&self) {
        self.inside.calls.lock().unwrap().clear();
    }

    /// What a Worker reads under this name, at once: there is no spreading here.
    pub fn kv(&self, name: &str) -> Option<Stored> {
        self.inside.kv().get(name)
    }

    pub fn kv_names(&self) -> Vec<String> {
        self.inside.kv().names()
    }

    /// Writes by hand.
    pub fn kv_put(&self, name: &str, value: &str, metadata: Value) {
        self.inside.kv().put(name, value, metadata);
    }

    /// Deletes by hand.
    pub fn kv_remove(&self, name: &str) {
        self.inside.kv().remove(name);
    }

    /// From now on a second write to a name within one second is unsuccessful.
    pub fn strict_write_rate(&self) {
        self.inside.kv().strict_write_rate();
    }

    /// Version ids, oldest first.
    pub fn versions(&self) -> Vec<String> {
        self.inside.worker().versions()
    }

    /// The secrets that the deployed version sees; of two, those of the older.
    pub fn deployed(&self) -> BTreeMap<String, Binding> {
        self.inside.worker().deployed()
    }

    /// How many deployments there have been; changes with each.
    pub fn deployments(&self) -> watch::Receiver<usize> {
        self.inside.worker().deployments()
    }

    /// Deploys one version again, with the secrets that it had.
    ///
    /// # Panics
    /// When there is no such version.
    pub fn rollback(&self, version: &str) {
        self.inside.worker().deploy(version);
    }

    /// Uploads a version with the secrets of the newest, and does not deploy it: until it is,
    /// secrets cannot be changed.
    pub fn upload_undeployed_version(&self) -> String {
        self.inside.worker().upload()
    }

    /// Uploads a version and gives it a tenth of the traffic.
    pub fn split_deployment(&self) -> String {
        self.inside.worker().split()
    }

    pub fn deploy_newest(&self) {
        self.inside.worker().deploy_newest();
    }

    /// Whether secrets cannot be changed after a rollback either. They can, if nothing is said;
    /// Cloudflare documents neither.
    pub fn rollback_locks_secrets(&self, locks: bool) {
        self.inside.worker().rollback_locks_secrets(locks);
    }
}

impl Fake for Inside {
    async fn answer(&self, request: &Request) -> Answer {
        self.calls.lock().unwrap().push((request.method.clone(), request.target.clone()));
        let fault = self.fault_of(request);
        match &fault {
            None | Some(Fault::Drip(_) | Fault::PartialSuccess(_) | Fault::AppliedThenLost) => {}
            Some(Fault::Slow(delay)) => sleep(*delay).await,
            Some(Fault::Hang) => return Answer::Hang,
            Some(Fault::Cut) => return Answer::Cut,
            Some(Fault::Endless) => return Answer::Endless,
            Some(Fault::Html) => return text(502, "<html><h1>502 Bad Gateway</h1>cloudflare</html>".into()),
            Some(Fault::Garbage) => return text(200, "it works!".into()),
            Some(Fault::SuccessFalse) => return failure(&Refusal::new(200, 10_001, "not done")),
            Some(Fault::Status(status)) => return failure(&Refusal::new(*status, 10_001, "as told by the test")),
            Some(Fault::RetryAfter(seconds)) => return throttled(*seconds),
            Some(Fault::Echo) => return failure(&Refusal::new(400, 10_001, quote(request))),
        }
        let unsuccessful = match &fault {
            Some(Fault::PartialSuccess(names)) => names.as_slice(),
            _ => &[],
        };
        let done = self.perform(request, unsuccessful);
        match (fault, done) {
            (Some(Fault::AppliedThenLost), _) => Answer::Cut,
            (Some(Fault::Drip(every)), Ok(done)) => {
                Answer::Drip { body: envelope(done).to_string().into(), piece: 8, every }
            }
            (_, Ok(done)) => Answer::json(200, &envelope(done)),
            (_, Err(refusal)) => failure(&refusal),
        }
    }
}

impl Inside {
    fn kv(&self) -> MutexGuard<'_, kv::Namespace> {
        self.kv.lock().unwrap()
    }

    fn worker(&self) -> MutexGuard<'_, worker::Worker> {
        self.worker.lock().unwrap()
    }

    fn perform(&self, request: &Request, unsuccessful: &[String]) -> Result<Done, Refusal> {
        if request.header("authorization") != self.credential {
            return Err(Refusal::new(403, 10_000, "Authentication error"));
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if let Some(operation) = path.strip_prefix(&self.kv_path) {
            return self.kv().perform(&request.method, operation, query, &request.body, unsuccessful);
        }
        if let Some(operation) = path.strip_prefix(&self.worker_path) {
            return self.worker().perform(&request.method, operation, &request.body);
        }
        Err(if path.contains("/storage/kv/namespaces/") {
            Refusal::new(404, 10_013, "namespace not found")
        } else if path.contains("/workers/scripts/") {
            Refusal::new(404, 10_007, "This Worker does not exist on your account.")
        } else {
            Refusal::new(404, 7_003, format!("Could not route to {path}"))
        })
    }

    fn fault_of(&self, request: &Request) -> Option<Fault> {
        let call = format!("{} {}", request.method, request.target);
        let mut faults = self.faults.lock().unwrap();
        let at = faults.iter().position(|planned| call.contains(&planned.matching))?;
        let fault = faults[at].fault.clone();
        if let Some(left) = &mut faults[at].left {
            *left -= 1;
            if *left == 0 {
                faults.remove(at);
            }
        }
        Some(fault)
    }

    /// The call without account, namespace and script.
    fn name_of(&self, request: &Request) -> String {
        let path = request.target.split('?').next().unwrap_or_default();
        let operation = path.strip_prefix(&self.kv_path).or_else(|| path.strip_prefix(&self.worker_path));
        format!("{} …/{}", request.method, operation.unwrap_or(path))
    }
}

fn envelope(done: Done) -> Value {
    json!({
        "success": true,
        "errors": [],
        "messages": [],
        "result": done.result,
        "result_info": done.result_info,
    })
}

fn failure(refusal: &Refusal) -> Answer {
    let error = json!({ "code": refusal.code, "message": refusal.message });
    Answer::json(refusal.status, &json!({ "success": false, "errors": [error], "messages": [], "result": null }))
}

fn throttled(seconds: u64) -> Answer {
    let headers = vec![("content-type", "application/json".to_owned()), ("retry-after", seconds.to_string())];
    let error = json!({ "code": 971, "message": "Please wait and consider throttling your request speed" });
    let body = json!({ "success": false, "errors": [error], "messages": [], "result": null });
    Answer::Reply { status: 429, headers, body: body.to_string().into() }
}

fn text(status: u16, body: Bytes) -> Answer {
    Answer::Reply { status, headers: vec![("content-type", "text/html".to_owned())], body }
}

fn quote(request: &Request) -> String {
    format!("cannot use {} with {}", request.header("authorization"), String::from_utf8_lossy(&request.body))
}
