//! The Lambda Runtime API (2018-06-01) of one execution environment: one invocation at a time.
//!
//! Refuses to know what an event or an answer means.

mod streamed;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::sync::{Notify, mpsc, watch};

pub use self::streamed::End;
use crate::http::{Answer, Server, Unread};

/// What Lambda gives the function for one event; the forwarder's `Timeout` in the template, the longest of
/// those that run here.
const TIMEOUT: Duration = Duration::from_secs(30);
const ROOT: &str = "/2018-06-01/runtime/";

/// What the function made of one event.
#[derive(Clone, Eq, PartialEq)]
pub enum Reply {
    Answer(Vec<u8>),
    /// A response in pieces, all of them.
    Streamed {
        bytes: Vec<u8>,
        end: End,
    },
    Error {
        error_type: String,
        error_message: String,
    },
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(bytes) => write!(f, "Answer({})", String::from_utf8_lossy(bytes)),
            Self::Streamed { bytes, end } => write!(f, "Streamed({} bytes, {end:?})", bytes.len()),
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
    replies: Mutex<HashMap<String, mpsc::Sender<Part>>>,
    init: watch::Sender<Init>,
    /// What Lambda gives the function for the next events, where it is not `TIMEOUT`.
    timeout: Mutex<Option<Duration>>,
}

/// A reply as it comes.
pub enum Part {
    Whole(Reply),
    /// Of a streamed response.
    Piece(Vec<u8>),
    End(End),
}

/// The reply to one event. While nobody asks for a part, no further one is read; dropped, it closes the
/// function's connection.
pub struct Replying(mpsc::Receiver<Part>);

impl Replying {
    /// Of no event.
    pub fn none() -> Self {
        Self(mpsc::channel(1).1)
    }

    /// `None` after the last one.
    pub async fn part(&mut self) -> Option<Part> {
        self.0.recv().await
    }

    /// `None` where none comes.
    pub async fn whole(mut self) -> Option<Reply> {
        let mut bytes = Vec::new();
        loop {
            match self.part().await? {
                Part::Whole(reply) => return Some(reply),
                Part::Piece(piece) => bytes.extend_from_slice(&piece),
                Part::End(end) => return Some(Reply::Streamed { bytes, end }),
            }
        }
    }
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let state = Arc::<State>::default();
        let server = Server::start_unread({
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

    /// How long the function has for each event from now on.
    pub fn time_out_after(&self, timeout: Duration) {
        *self.state.timeout.lock().unwrap() = Some(timeout);
    }

    /// Queues an event under an invocation id and hands out its reply as the function posts it.
    pub fn invoke(&self, request_id: &str, event: Vec<u8>) -> Replying {
        let (sender, reply) = mpsc::channel(1);
        self.state.replies.lock().unwrap().insert(request_id.to_owned(), sender);
        self.state.waiting.lock().unwrap().push_back((request_id.to_owned(), event));
        self.state.arrived.notify_one();
        Replying(reply)
    }

    pub fn init(&self) -> watch::Receiver<Init> {
        self.state.init.subscribe()
    }
}

async fn serve(state: Arc<State>, request: Unread) -> io::Result<Answer> {
    let target = request.target.clone();
    let path = target.strip_prefix(ROOT).unwrap_or_default();
    Ok(match (request.method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
        ("GET", ["invocation", "next"]) => {
            state.init.send_replace(Init::Ready);
            next(&state).await
        }
        ("POST", ["invocation", id, "response"]) => match state.replying(id) {
            None => Answer::status(400),
            Some(parts) if request.headers.contains_key(streamed::MODE) => {
                return streamed::take(request, &parts).await;
            }
            Some(parts) => reply(&parts, Reply::Answer(read(request).await?)).await,
        },
        ("POST", ["invocation", id, "error"]) => match state.replying(id) {
            None => Answer::status(400),
            Some(parts) => {
                let (error_type, error_message) = diagnostic(&read(request).await?);
                reply(&parts, Reply::Error { error_type, error_message }).await
            }
        },
        ("POST", ["init", "error"]) => {
            let (error_type, error_message) = diagnostic(&read(request).await?);
            state.init.send_replace(Init::Failed { error_type, error_message });
            Answer::status(202)
        }
        _ => Answer::status(404),
    })
}

async fn read(request: Unread) -> io::Result<Vec<u8>> {
    Ok(request.body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec())
}

async fn reply(parts: &mpsc::Sender<Part>, reply: Reply) -> Answer {
    let _ = parts.send(Part::Whole(reply)).await;
    Answer::status(202)
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
    let deadline = SystemTime::now() + state.timeout.lock().unwrap().unwrap_or(TIMEOUT);
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
    fn replying(&self, request_id: &str) -> Option<mpsc::Sender<Part>> {
        self.replies.lock().unwrap().remove(request_id)
    }
}

fn diagnostic(body: &[u8]) -> (String, String) {
    let body: Value = serde_json::from_slice(body).expect("an error report is JSON");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("errorType"), text("errorMessage"))
}
