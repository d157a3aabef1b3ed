//! The chain: a client's socket, the edge Worker with the keys that key-sync has given it, and an authorizer.

use std::sync::{Arc, Mutex};

use countersign_tests::deployment::{Deployment, OWNER};
use countersign_tests::edge::{Edge, Gateway};
use countersign_tests::events::{Kind, WireRequest};
use countersign_tests::function::Function;
use countersign_tests::key_sync::{self, Aws, TOKEN_SECRET};
use countersign_tests::lifetimes;
use countersign_tests::relay::Connection;
use countersign_tests::wire::{Framing, Head};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

pub struct Chain {
    pub deployment: Deployment,
    pub edge: Edge,
    authorizer: Function,
    sent: Arc<Mutex<Vec<WireRequest>>>,
}

/// What becomes of a request at the edge.
#[derive(Debug)]
pub enum Outcome {
    Sent(WireRequest),
    /// Status and code.
    Refused(u16, String),
}

impl Chain {
    pub async fn start() -> Self {
        let deployment = Deployment::with_owner().await;
        deployment.secret.put_other(TOKEN_SECRET, "cloudflare-token");
        let cloudflare = Arc::new(key_sync::cloudflare("cloudflare-token").await);
        let sent = Arc::<Mutex<Vec<WireRequest>>>::default();
        let edge = Edge::start(cloudflare.clone(), gateway(&deployment, &sent)).await;
        let variables = [
            ("SIGNING_SECRET", deployment.secret.arn()),
            ("SIGNING_ALGORITHM", deployment.edge.algorithm()),
            ("CLOUDFLARE_API", &cloudflare.url()),
            ("EDGE_URL", &edge.url()),
        ];
        let key_sync = Aws::of(&deployment).key_sync(&variables, lifetimes::scaled(), key_sync::now).await;
        for job in ["bootstrap", "reconcile"] {
            let done = key_sync::invoke(&key_sync, &json!({ "job": job })).await;
            done.answer.unwrap_or_else(|error| panic!("{job}: {error}"));
        }
        let authorizer = deployment.authorizer(&[]).await;
        Self { deployment, edge, authorizer, sent }
    }

    /// Asks for exactly these bytes.
    pub async fn ask(&self, target: &[u8]) -> Outcome {
        let (status, body) = self.exchange(target).await.unwrap();
        let sent = std::mem::take(&mut *self.sent.lock().unwrap());
        match (status, sent.as_slice()) {
            (200, [request]) => Outcome::Sent(request.clone()),
            (_, []) => {
                let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                Outcome::Refused(status, body["code"].as_str().unwrap_or_default().to_owned())
            }
            _ => panic!("{status} for {}, and sent was {sent:?}", target.escape_ascii()),
        }
    }

    async fn exchange(&self, target: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
        let mut edge = Connection::from(TcpStream::connect(self.edge.authority()).await?);
        let headers = format!(" HTTP/1.1\r\nHost: {}\r\nX-Api-Key: {OWNER}\r\n\r\n", self.edge.authority());
        edge.write.write_all(&[b"GET ", target, headers.as_bytes()].concat()).await?;
        let head = Head::read(&mut edge.read).await?.expect("an answer");
        let body = Framing::of_answer(&head, "GET")?.collect(&mut edge.read).await?;
        Ok((head.status()?, body))
    }

    /// What the authorizer says, where this kind of API has got the request.
    ///
    /// # Panics
    /// If the client is told something else.
    pub async fn judge(&self, kind: Kind, request: &WireRequest) -> String {
        let response = self.deployment.send(&self.authorizer, kind, request).await;
        let told: &[u16] = if response.code() == "allow" { &[200] } else { &[401, 403] };
        assert!(told.contains(&response.status), "{kind:?} {}: {response:?}", request.target);
        response.code().to_owned()
    }
}

/// Keeps what it gets, but for the edge's own probes.
fn gateway(deployment: &Deployment, sent: &Arc<Mutex<Vec<WireRequest>>>) -> Gateway {
    let sent = sent.clone();
    let send = move |request: WireRequest| {
        let is_probe = request.target.ends_with("/.countersign/probe");
        if !is_probe {
            sent.lock().unwrap().push(request);
        }
        let status = if is_probe { 204_u16 } else { 200 };
        Box::pin(async move { status }) as std::pin::Pin<Box<dyn Future<Output = u16> + Send>>
    };
    let api = &deployment.api;
    Gateway { host: api.domain.clone(), prefix: api.target(""), send: Arc::new(send) }
}
