//! What the fakes of two AWS services share: the JSON protocol, the switch that breaks them, and a
//! record of every call.
//!
//! Refuses to know an operation: [`dynamodb`] and [`secrets`] answer those.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Request, Server};

pub mod dynamodb;
pub mod secrets;

/// How a service misbehaves until told otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outage {
    Refuse,
    Hang,
    Throttle,
    ServerError,
    /// 200, with a body that is not JSON.
    Garbage,
    Truncated,
    /// The right answer, this much later.
    Slow(Duration),
    AccessDenied,
}

impl Outage {
    /// Every outage that leaves the caller without an answer: what "down" can look like.
    pub const DOWN: &[Self] = &[
        Self::Refuse,
        Self::Hang,
        Self::Throttle,
        Self::ServerError,
        Self::Garbage,
        Self::Truncated,
        Self::Slow(Duration::from_secs(5)),
        Self::AccessDenied,
    ];
}

/// One call as it arrived, whether or not it was answered.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: String,
    /// What was asked for: a partition key, a version id.
    pub key: String,
    pub input: Value,
}

/// An error as the service words it.
pub struct ServiceError {
    pub code: &'static str,
    pub message: String,
    /// Members beside the code and the message.
    pub more: Value,
}

impl ServiceError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), more: json!({}) }
    }
}

/// The names in which one service differs from the other.
struct Dialect {
    /// What stands before the operation in `X-Amz-Target`.
    target_prefix: &'static str,
    content_type: &'static str,
    throttled: &'static str,
    key_of: fn(&Value) -> String,
}

/// A fake service: its port, its faults, its calls.
pub struct Service {
    server: Server,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    outage: Mutex<Option<(Option<String>, Outage)>>,
    calls: Mutex<Vec<Call>>,
}

impl Service {
    async fn start(
        dialect: Dialect,
        perform: impl Fn(&str, &Value) -> Result<Value, ServiceError> + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::<State>::default();
        let shared = Arc::new((state.clone(), dialect, perform));
        let server = Server::start(move |request| {
            let shared = shared.clone();
            async move {
                let (state, dialect, perform) = &*shared;
                answer(state, dialect, perform, &request).await
            }
        })
        .await;
        Self { server, state }
    }

    /// For `AWS_ENDPOINT_URL_…`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Breaks every operation from now on. Calls that already hang go on hanging.
    pub async fn fail(&self, outage: Outage) {
        if outage == Outage::Refuse {
            self.server.refuse().await;
        } else {
            self.server.listen();
        }
        *self.state.outage.lock().unwrap() = Some((None, outage));
    }

    /// Breaks one operation and leaves the others alone.
    ///
    /// # Panics
    /// On [`Outage::Refuse`]: a connection is refused before it names an operation.
    pub fn fail_operation(&self, operation: &str, outage: Outage) {
        assert_ne!(outage, Outage::Refuse, "no single operation can refuse connections");
        *self.state.outage.lock().unwrap() = Some((Some(operation.to_owned()), outage));
    }

    pub fn recover(&self) {
        *self.state.outage.lock().unwrap() = None;
        self.server.listen();
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls.lock().unwrap().clone()
    }

    /// How often `operation` was called for a key that starts with `key_prefix`.
    pub fn count(&self, operation: &str, key_prefix: &str) -> usize {
        let calls = self.state.calls.lock().unwrap();
        calls.iter().filter(|call| call.operation == operation && call.key.starts_with(key_prefix)).count()
    }

    pub fn forget_calls(&self) {
        self.state.calls.lock().unwrap().clear();
    }
}

async fn answer(
    state: &State,
    dialect: &Dialect,
    perform: &(impl Fn(&str, &Value) -> Result<Value, ServiceError> + Send + Sync),
    request: &Request,
) -> Answer {
    let operation = request.header("x-amz-target").strip_prefix(dialect.target_prefix).unwrap_or_default();
    let input: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let key = (dialect.key_of)(&input);
    state.calls.lock().unwrap().push(Call { operation: operation.to_owned(), key, input: input.clone() });

    let outage = match &*state.outage.lock().unwrap() {
        Some((None, outage)) => Some(*outage),
        Some((Some(only), outage)) if only == operation => Some(*outage),
        _ => None,
    };
    match outage {
        Some(Outage::Refuse | Outage::Hang) => return Answer::Hang,
        Some(Outage::Throttle) => return failure(400, &ServiceError::new(dialect.throttled, "Rate exceeded")),
        Some(Outage::ServerError) => {
            return failure(500, &ServiceError::new("InternalServerError", "something broke"));
        }
        Some(Outage::AccessDenied) => {
            return failure(400, &ServiceError::new("AccessDeniedException", "not authorized"));
        }
        Some(Outage::Garbage) => {
            return Answer::Reply {
                status: 200,
                headers: vec![("content-type", dialect.content_type.to_owned())],
                body: "<html>it works!</html>".into(),
            };
        }
        Some(Outage::Slow(delay)) => tokio::time::sleep(delay).await,
        Some(Outage::Truncated) | None => {}
    }

    let output = if request.header("authorization").starts_with("AWS4-HMAC-SHA256 ") {
        perform(operation, &input)
    } else {
        Err(ServiceError::new("MissingAuthenticationTokenException", "the call is not signed"))
    };
    match output {
        Ok(output) if outage == Some(Outage::Truncated) => Answer::Truncated(output.to_string().into()),
        Ok(output) => Answer::Reply {
            status: 200,
            headers: vec![("content-type", dialect.content_type.to_owned())],
            body: output.to_string().into(),
        },
        Err(error) => failure(400, &error),
    }
}

fn failure(status: u16, error: &ServiceError) -> Answer {
    let mut body = error.more.clone();
    body["__type"] = json!(error.code);
    body["message"] = json!(error.message);
    Answer::json(status, &body)
}
