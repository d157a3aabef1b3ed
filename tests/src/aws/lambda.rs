//! The configuration of one Lambda function: GetFunctionConfiguration and UpdateFunctionConfiguration.
//!
//! A change of the configuration replaces every warm environment; a test that has some listens for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::fake::{Fake, serve};
use crate::http::{Answer, Request, Server};

pub struct Lambda {
    server: Server,
    function: Arc<Function>,
}

struct Function {
    name: String,
    variables: Mutex<BTreeMap<String, String>>,
    /// The revision: how many updates there were.
    updates: watch::Sender<u64>,
}

impl Lambda {
    pub async fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let updates = watch::Sender::default();
        let function = Arc::new(Function { name: name.to_owned(), variables: Mutex::new(variables), updates });
        Self { server: serve(&function).await, function }
    }

    /// For `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn variables(&self) -> BTreeMap<String, String> {
        self.function.variables.lock().unwrap().clone()
    }

    /// How often the configuration was updated.
    pub fn updates(&self) -> watch::Receiver<u64> {
        self.function.updates.subscribe()
    }
}

impl Fake for Function {
    async fn answer(&self, request: &Request) -> Answer {
        if request.target != format!("/2015-03-31/functions/{}/configuration", self.name) {
            return failure(404, "ResourceNotFoundException", "Function not found");
        }
        if !request.header("authorization").starts_with("AWS4-HMAC-SHA256 ") {
            return failure(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
        }
        match request.method.as_str() {
            "GET" => Answer::json(200, &self.configuration()),
            "PUT" => self.update(&serde_json::from_slice(&request.body).unwrap_or_default()),
            _ => Answer::status(405),
        }
    }
}

impl Function {
    fn update(&self, input: &Value) -> Answer {
        if input["RevisionId"].as_str().is_some_and(|revision| revision != self.revision()) {
            return failure(412, "PreconditionFailedException", "The Revision Id provided does not match");
        }
        // What is not named stays as it is; variables are replaced as a whole.
        if let Ok(variables) = serde_json::from_value(input["Environment"]["Variables"].clone()) {
            *self.variables.lock().unwrap() = variables;
        }
        self.updates.send_modify(|updates| *updates += 1);
        Answer::json(200, &self.configuration())
    }

    fn configuration(&self) -> Value {
        json!({
            "FunctionName": self.name,
            "FunctionArn": format!("arn:aws:lambda:eu-west-1:123456789012:function:{}", self.name),
            "Runtime": "provided.al2023",
            "Environment": { "Variables": *self.variables.lock().unwrap() },
            "RevisionId": self.revision(),
            "LastUpdateStatus": "Successful",
        })
    }

    fn revision(&self) -> String {
        format!("1d9f4f3e-6f4b-4a53-8f2e-{:012}", *self.updates.borrow())
    }
}

fn failure(status: u16, error: &str, message: &str) -> Answer {
    let headers = vec![("content-type", "application/json".to_owned()), ("x-amzn-errortype", error.to_owned())];
    let body = json!({ "Type": "User", "Message": message }).to_string().into();
    Answer::Reply { status, headers, body }
}
