//! A service that is no fake of ours: calls go on, unchanged, to an address such as an emulator's.

use std::sync::Arc;

use crate::client;
use crate::fake::{Door, Fake};
use crate::gate::Gate;
use crate::http::{Answer, Request};

/// Opens a port before the service at `target`, which is `http://host:port`. Its calls pass the gate
/// under the names of their operations.
pub async fn door(target: &str, gate: &Arc<Gate>) -> Door {
    Door::open(&Arc::new(Elsewhere(target.to_owned())), gate, Elsewhere::operation).await
}

struct Elsewhere(String);

impl Elsewhere {
    /// What follows the service's name in `X-Amz-Target`.
    fn operation(&self, request: &Request) -> String {
        request.header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned()
    }
}

impl Fake for Elsewhere {
    async fn answer(&self, request: &Request) -> Answer {
        forward(&self.0, request).await.unwrap_or(Answer::Cut)
    }
}

/// Sends a request on and brings the answer back; `Err` says why there is none. `Host` stays what the
/// caller wrote: it is signed.
pub async fn forward(target: &str, request: &Request) -> Result<Answer, String> {
    let hop_by_hop = ["connection", "content-length", "transfer-encoding"];
    let headers = request.headers.iter().filter(|(name, _)| !hop_by_hop.contains(&name.as_str()));
    let headers: Vec<_> = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let url = format!("{target}{}", request.target);
    let answer = client::exchange(&request.method, &url, &headers, request.body.clone()).await?;
    let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    Ok(Answer::Reply {
        status: answer.status().as_u16(),
        headers: content_type.map(|content_type| ("content-type", content_type.to_owned())).into_iter().collect(),
        body: answer.into_body(),
    })
}
