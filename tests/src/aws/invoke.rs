//! Lambda's Invoke: functions that are asked synchronously, and answer as they are told.
//!
//! Refuses to know what an event means.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::fake::{Fake, serve};
use crate::http::{Answer, Request, Server};

/// What becomes of an invocation.
#[derive(Clone, Debug)]
pub enum Invocation {
    /// The function's answer, as it is.
    Answers(Bytes),
    /// `null`, later.
    Slow(Duration),
    /// It ends in an error; this is its report.
    Fails(Value),
    /// Lambda itself refuses: a status and the name of the error.
    Refused(u16, &'static str),
    /// The connection ends without an answer.
    Cut,
    /// Nothing is ever said.
    Hang,
}

/// All functions of an account that may be invoked.
pub struct Functions {
    server: Server,
    inside: Arc<Inside>,
}

struct Inside {
    arns: Vec<String>,
    then: Mutex<Invocation>,
    invoked: Mutex<Vec<(String, Value)>>,
}

impl Functions {
    pub async fn start(arns: &[&str]) -> Self {
        let arns = arns.iter().map(|arn| (*arn).to_owned()).collect();
        let answers = json!({ "statusCode": 200, "headers": { "content-type": "text/plain" }, "body": "hello" });
        let then = Mutex::new(Invocation::Answers(answers.to_string().into()));
        let inside = Arc::new(Inside { arns, then, invoked: Mutex::default() });
        Self { server: serve(&inside).await, inside }
    }

    /// For `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What becomes of every invocation from now on.
    pub fn then(&self, invocation: Invocation) {
        *self.inside.then.lock().unwrap() = invocation;
    }

    /// Every function's answer from now on.
    pub fn answer(&self, answer: &Value) {
        self.then(Invocation::Answers(answer.to_string().into()));
    }

    /// The ARN and the event of every invocation so far, and forgets them.
    pub fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.inside.invoked.lock().unwrap())
    }

    /// Refuses connections until the end.
    pub async fn refuse(&self) {
        self.server.refuse().await;
    }
}

impl Fake for Inside {
    async fn answer(&self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap_or_default();
        let name = path.strip_prefix("/2015-03-31/functions/").and_then(|rest| rest.strip_suffix("/invocations"));
        let name = name.map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned()).unwrap_or_default();
        if !self.arns.contains(&name) || request.method != "POST" {
            return failure(404, "ResourceNotFoundException");
        }
        if !request.header("authorization").starts_with("AWS4-HMAC-SHA256 ") {
            return failure(403, "MissingAuthenticationTokenException");
        }
        if !matches!(request.header("x-amz-invocation-type"), "" | "RequestResponse") {
            return failure(400, "InvalidParameterValueException");
        }
        let event = serde_json::from_slice(&request.body).expect("an event is JSON");
        self.invoked.lock().unwrap().push((name, event));
        let reply = |headers, body| Answer::Reply { status: 200, headers, body };
        let then = self.then.lock().unwrap().clone();
        match then {
            Invocation::Answers(answer) => reply(Vec::new(), answer),
            Invocation::Slow(pause) => {
                tokio::time::sleep(pause).await;
                reply(Vec::new(), "null".into())
            }
            Invocation::Fails(report) => {
                reply(vec![("x-amz-function-error", "Unhandled".to_owned())], report.to_string().into())
            }
            Invocation::Refused(status, error) => failure(status, error),
            Invocation::Cut => Answer::Cut,
            Invocation::Hang => Answer::Hang,
        }
    }
}

fn failure(status: u16, error: &str) -> Answer {
    let headers = vec![("content-type", "application/json".to_owned()), ("x-amzn-errortype", error.to_owned())];
    Answer::Reply { status, headers, body: json!({ "Type": "User", "Message": "refused" }).to_string().into() }
}
