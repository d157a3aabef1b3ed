//! What the fakes of two AWS services share: the JSON protocol, the switch that breaks them, and a
//! record of every call.
//!
//! Refuses to know an operation: [`dynamodb`] and [`secrets`] answer those.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::fake::{Door, Fake, serve};
use crate::gate::Gate;
use crate::http::{Answer, Request, Server};

pub mod clients;
pub mod dynamodb;
pub mod forward;
pub mod invoke;
pub mod lambda;
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
    /// It is done, and nothing is ever said.
    Lost,
}

impl Outage {
    /// Every outage that leaves a reader without an answer: what "down" can look like.
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

type Perform = Box<dyn Fn(&str, &Value) -> Result<Value, ServiceError> + Send + Sync>;

/// A fake service: its port, its faults, its calls.
pub struct Service {
    server: Server,
    inside: Arc<Inside>,
}

struct Inside {
    dialect: Dialect,
    perform: Perform,
    fault: Mutex<Option<Fault>>,
    calls: Mutex<Vec<Call>>,
}

struct Fault {
    /// The only operation that fails, if not all do.
    operation: Option<String>,
    outage: Outage,
    /// How many more calls fail, if not all do.
    left: Option<u32>,
}

impl Service {
    async fn start(
        dialect: Dialect,
        perform: impl Fn(&str, &Value) -> Result<Value, ServiceError> + Send + Sync + 'static,
    ) -> Self {
        let perform = Box::new(perform);
        let inside = Arc::new(Inside { dialect, perform, fault: Mutex::default(), calls: Mutex::default() });
        Self { server: serve(&inside).await, inside }
    }

    /// Opens a further port, whose calls pass the gate under the names of their operations; one that is
    /// about an item of key-sync's own names it, as in `PutItem sync#edge`. The door has the service's
    /// faults, but for [`Outage::Refuse`], which there is a hang.
    pub async fn with_gate(&self, gate: &Arc<Gate>) -> Door {
        Door::open(&self.inside, gate, Inside::name_of).await
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
        self.set_fault(None, outage, None);
    }

    /// Breaks one operation and leaves the others alone.
    ///
    /// # Panics
    /// On [`Outage::Refuse`]: a connection is refused before it names an operation.
    pub fn fail_operation(&self, operation: &str, outage: Outage) {
        self.set_fault(Some(operation), outage, None);
    }

    /// Breaks the next calls of one operation, `times` of them.
    ///
    /// # Panics
    /// On [`Outage::Refuse`].
    pub fn fail_next(&self, operation: &str, outage: Outage, times: u32) {
        self.set_fault(Some(operation), outage, Some(times));
    }

    fn set_fault(&self, operation: Option<&str>, outage: Outage, left: Option<u32>) {
        let refuses_one = operation.is_some() && outage == Outage::Refuse;
        assert!(!refuses_one, "no single operation can refuse connections");
        let operation = operation.map(str::to_owned);
        *self.inside.fault.lock().unwrap() = Some(Fault { operation, outage, left });
    }

    pub fn recover(&self) {
        *self.inside.fault.lock().unwrap() = None;
        self.server.listen();
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.inside.calls.lock().unwrap().clone()
    }

    /// How often `operation` was called for a key that starts with `key_prefix`.
    pub fn count(&self, operation: &str, key_prefix: &str) -> usize {
        let calls = self.inside.calls.lock().unwrap();
        calls.iter().filter(|call| call.operation == operation && call.key.starts_with(key_prefix)).count()
    }

    pub fn forget_calls(&self) {
        self.inside.calls.lock().unwrap().clear();
    }
}

impl Fake for Inside {
    async fn answer(&self, request: &Request) -> Answer {
        let operation = self.operation(request);
        let input: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let key = (self.dialect.key_of)(&input);
        self.calls.lock().unwrap().push(Call { operation: operation.to_owned(), key, input: input.clone() });

        let outage = self.outage_of(operation);
        match outage {
            Some(Outage::Refuse | Outage::Hang) => return Answer::Hang,
            Some(Outage::Throttle) => {
                return failure(400, &ServiceError::new(self.dialect.throttled, "Rate exceeded"));
            }
            Some(Outage::ServerError) => {
                return failure(500, &ServiceError::new("InternalServerError", "something broke"));
            }
            Some(Outage::AccessDenied) => {
                return failure(400, &ServiceError::new("AccessDeniedException", "not authorized"));
            }
            Some(Outage::Garbage) => return self.reply("<html>it works!</html>".to_owned()),
            Some(Outage::Slow(delay)) => tokio::time::sleep(delay).await,
            Some(Outage::Truncated | Outage::Lost) | None => {}
        }

        let output = if request.header("authorization").starts_with("AWS4-HMAC-SHA256 ") {
            (self.perform)(operation, &input)
        } else {
            Err(ServiceError::new("MissingAuthenticationTokenException", "the call is not signed"))
        };
        match (outage, output) {
            (Some(Outage::Lost), _) => Answer::Hang,
            (Some(Outage::Truncated), Ok(output)) => Answer::Truncated(output.to_string().into()),
            (_, Ok(output)) => self.reply(output.to_string()),
            (_, Err(error)) => failure(400, &error),
        }
    }
}

impl Inside {
    fn operation<'a>(&self, request: &'a Request) -> &'a str {
        request.header("x-amz-target").strip_prefix(self.dialect.target_prefix).unwrap_or_default()
    }

    fn name_of(&self, request: &Request) -> String {
        let key = (self.dialect.key_of)(&serde_json::from_slice(&request.body).unwrap_or_default());
        let operation = self.operation(request);
        if key.starts_with("sync#") { format!("{operation} {key}") } else { operation.to_owned() }
    }

    fn outage_of(&self, operation: &str) -> Option<Outage> {
        let mut fault = self.fault.lock().unwrap();
        let found = fault.as_mut().filter(|fault| fault.operation.as_deref().is_none_or(|only| only == operation))?;
        let outage = found.outage;
        if let Some(left) = &mut found.left {
            *left -= 1;
            if *left == 0 {
                *fault = None;
            }
        }
        Some(outage)
    }

    fn reply(&self, body: String) -> Answer {
        let headers = vec![("content-type", self.dialect.content_type.to_owned())];
        Answer::Reply { status: 200, headers, body: body.into() }
    }
}

fn failure(status: u16, error: &ServiceError) -> Answer {
    let mut body = error.more.clone();
    body["__type"] = json!(error.code);
    body["message"] = json!(error.message);
    Answer::json(status, &body)
}
