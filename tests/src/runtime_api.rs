//! The Lambda Runtime API (2018-06-01) of one execution environment: one invocation at a time.
//!
//! Refuses to know what an event or an answer means.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::{Notify, oneshot, watch};

use crate::http::{Answer, Request, Server};

/// What Lambda gives the function for one event; the forwarder's `Timeout` in the template, the longest of
/// those that run here.
const TIMEOUT: Duration = Duration::from_secs(30);
const ROOT: &str = "/2018-06-01/runtime/";

/// What the function made of one event.
#[derive(Clone, Eq, PartialEq)]
pub enum Reply {
    Answer(Vec<u8>),
    Error { error_type: String, error_message: String },
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(bytes) => write!(f, "Answer({})", String::from_utf8_lossy(bytes)),
            Self::Error { error_type, error_message } => write!(f, "Error({error_type}: {error_message})"),
        }
    }
}

/// How far the function is with its start.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Init {
    #[default]
    Running,
    /// It has asked for its first event.
    Ready,
    Failed {
        error_type: String,
        error_message: String,
    },
}

pub struct RuntimeApi {
    server: Server,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    waiting: Mutex<VecDeque<(String, Vec<u8>)>>,
    arrived: Notify,
    replies: Mutex<HashMap<String, oneshot::Sender<Reply>>>,
    init: watch::Sender<Init>,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let state = Arc::<State>::default();
        let server = Server::start({
            let state = state.clone();
            move |request| serve(state.clone(), request)
        })
        .await;
        Self { server, state }
    }

    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub fn authority(&self) -> String {
        self.server.authority()
    }

    /// Queues an event under an invocation id and hands out its reply when the function posts it.
    pub fn invoke(&self, request_id: &str, event: Vec<u8>) -> oneshot::Receiver<Reply> {
        let (sender, reply) = oneshot::channel();
        self.state.replies.lock().unwrap().insert(request_id.to_owned(), sender);
        self.state.waiting.lock().unwrap().push_back((request_id.to_owned(), event));
        self.state.arrived.notify_one();
        reply
    }

    pub fn init(&self) -> watch::Receiver<Init> {
        self.state.init.subscribe()
    }
}

async fn serve(state: Arc<State>, request: Request) -> Answer {
    let path = request.target.strip_prefix(ROOT).unwrap_or_default();
    match (request.method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
        ("GET", ["invocation", "next"]) => {
            state.init.send_replace(Init::Ready);
            next(&state).await
        }
        ("POST", ["invocation", id, "response"]) => state.reply(id, Reply::Answer(request.body.to_vec())),
        ("POST", ["invocation", id, "error"]) => {
            let (error_type, error_message) = diagnostic(&request.body);
            state.reply(id, Reply::Error { error_type, error_message })
        }
        ("POST", ["init", "error"]) => {
            let (error_type, error_message) = diagnostic(&request.body);
            state.init.send_replace(Init::Failed { error_type, error_message });
            Answer::status(202)
        }
        _ => Answer::status(404),
    }
}

/// Waits for an event, as long as it takes: an idle environment is frozen inside this call.
async fn next(state: &State) -> Answer {
    let (request_id, event) = loop {
        let waiting = state.waiting.lock().unwrap().pop_front();
        match waiting {
            Some(invocation) => break invocation,
            None => state.arrived.notified().await,
        }
    };
    let deadline = SystemTime::now() + TIMEOUT;
    let deadline = deadline.duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis();
    let function = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer";
    Answer::Reply {
        status: 200,
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("lambda-runtime-aws-request-id", request_id),
            ("lambda-runtime-deadline-ms", deadline.to_string()),
            ("lambda-runtime-invoked-function-arn", function.to_owned()),
            ("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0".to_owned()),
        ],
        body: event.into(),
    }
}

impl State {
    fn reply(&self, request_id: &str, reply: Reply) -> Answer {
        match self.replies.lock().unwrap().remove(request_id) {
            Some(sender) => {
                let _ = sender.send(reply);
                Answer::status(202)
            }
            None => Answer::status(400),
        }
    }
}

fn diagnostic(body: &[u8]) -> (String, String) {
    let body: Value = serde_json::from_slice(body).expect("an error report is JSON");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("errorType"), text("errorMessage"))
}
