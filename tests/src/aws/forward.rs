//! A door to a service that is no fake of ours: every call passes a gate under the name of its
//! operation and goes on, unchanged, to an address such as an emulator's.

use std::sync::Arc;

use crate::client;
use crate::gate::Gate;
use crate::http::{Answer, Request, Server};

/// Its port ends with it.
pub struct Forward(Server);

impl Forward {
    /// `target`: where the service is, `http://host:port`.
    pub async fn start(target: &str, gate: &Arc<Gate>) -> Self {
        let (target, gate) = (target.to_owned(), gate.clone());
        let server = Server::start(move |request| {
            let (target, gate) = (target.clone(), gate.clone());
            async move { gate.pass(operation(&request), forward(&target, &request)).await }
        });
        Self(server.await)
    }

    /// For `AWS_ENDPOINT_URL_…`.
    pub fn url(&self) -> String {
        self.0.url()
    }
}

/// What follows the service's name in `X-Amz-Target`.
fn operation(request: &Request) -> &str {
    request.header("x-amz-target").rsplit('.').next().unwrap_or_default()
}

async fn forward(target: &str, request: &Request) -> Answer {
    let hop_by_hop = ["connection", "content-length", "transfer-encoding"];
    let headers = request.headers.iter().filter(|(name, _)| !hop_by_hop.contains(&name.as_str()));
    let headers: Vec<_> = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let url = format!("{target}{}", request.target);
    match client::send(&request.method, &url, &headers, request.body.clone()).await {
        Ok((status, body)) => {
            let headers = vec![("content-type", "application/x-amz-json-1.1".to_owned())];
            Answer::Reply { status, headers, body }
        }
        Err(_) => Answer::Cut,
    }
}
