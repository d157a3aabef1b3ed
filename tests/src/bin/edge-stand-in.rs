//! For the local stack: Cloudflare's API and the edge behind it, on the loopback. The edge is the Worker in
//! workerd where the environment names both, else a stand-in.
//!
//! Prints one JSON line with its addresses. The edge's address is good from the start, because it is
//! deployed before there is a gateway; it answers once `PUT /gateway` on the control port has said
//! where the gateway is. The control port also does what Cloudflare's dashboard would, and worse.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a stand-in that breaks must break its suite

use std::env;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_tests::cloudflare::{Cloudflare, Fault};
use countersign_tests::edge::worker::{self, Settings, Worker, outbound};
use countersign_tests::edge::{Answered, Edge, Origin};
use countersign_tests::events::WireRequest;
use countersign_tests::http::{Answer, Request, Server};
use countersign_tests::{binary, client};
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let (account, token) = (variable("CLOUDFLARE_ACCOUNT"), variable("CLOUDFLARE_TOKEN"));
    let (namespace, script) = (variable("CLOUDFLARE_NAMESPACE"), variable("CLOUDFLARE_SCRIPT"));
    let stand_in = Arc::new(StandIn {
        cloudflare: Arc::new(Cloudflare::start(&account, &token, &namespace, &script).await),
        edge: Mutex::default(),
    });
    let shared = stand_in.clone();
    let control = Server::start(move |request| {
        let stand_in = shared.clone();
        async move { stand_in.control(&request).await }
    })
    .await;
    let front = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let told = json!({
        "cloudflare": stand_in.cloudflare.url(),
        "edge": format!("http://{}", front.local_addr().expect("a bound listener has an address")),
        "control": control.url(),
    });
    writeln!(std::io::stdout(), "{told}").expect("standard output is read");
    loop {
        let (client, _) = front.accept().await.expect("connections come");
        tokio::spawn(forward(client, stand_in.edge().map(|edge| edge.authority())));
    }
}

/// Byte for byte, so that the edge sees the `Host` that it was called by.
async fn forward(mut client: TcpStream, edge: Option<String>) {
    let Some(edge) = edge else { return };
    if let Ok(mut edge) = TcpStream::connect(edge).await {
        let _ = copy_bidirectional(&mut client, &mut edge).await;
    }
}

struct StandIn {
    cloudflare: Arc<Cloudflare>,
    edge: Mutex<Option<Arc<Edge>>>,
}

impl StandIn {
    fn edge(&self) -> Option<Arc<Edge>> {
        self.edge.lock().unwrap().clone()
    }

    async fn control(&self, request: &Request) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{name} is missing")).to_owned();
        match (request.method.as_str(), path) {
            ("PUT", "/gateway") => {
                let edge = self.edge_before(text("url"), text("host"), text("prefix"), &body).await;
                *self.edge.lock().unwrap() = Some(Arc::new(edge));
            }
            ("POST", "/logs") => return self.send_logs().await,
            ("GET", "/said") => return Answer::json(200, &json!(self.edge().map(|edge| edge.said()))),
            ("GET", "/kv") => return self.kv(query),
            ("GET", "/versions") => return Answer::json(200, &json!(self.cloudflare.versions())),
            ("POST", "/rollback") => self.cloudflare.rollback(&text("version")),
            ("POST", "/upload") => drop(self.cloudflare.upload_undeployed_version()),
            ("POST", "/split") => drop(self.cloudflare.split_deployment()),
            ("POST", "/deploy-newest") => self.cloudflare.deploy_newest(),
            ("POST", "/fail") => {
                let times = body["times"].as_u64().map(|times| u32::try_from(times).expect("a few times"));
                self.cloudflare.fail(&text("matching"), fault(&text("fault")), times);
            }
            ("POST", "/recover") => self.cloudflare.recover(),
            _ => return Answer::status(404),
        }
        // What was asked for is so when it is answered.
        if let Some(edge) = self.edge() {
            edge.arrived().await;
        }
        Answer::status(204)
    }

    /// An edge before a gateway that answers for `host` at `url`. `variables`, of the Worker alone, are added to
    /// those that follow from this, or take their place.
    async fn edge_before(&self, url: String, host: String, prefix: String, body: &Value) -> Edge {
        let has_doors = body["doors"].as_bool().unwrap_or_default();
        let Some(build) = binary::edge_worker() else {
            return Edge::start(self.cloudflare.clone(), origin(url, host, prefix, has_doors)).await;
        };
        let mut variables = worker::variables(&host, &prefix, has_doors);
        let more = body["variables"].as_object().into_iter().flatten();
        variables.extend(more.map(|(name, value)| (name.clone(), value.as_str().expect("a string").to_owned())));
        let gateway = url.strip_prefix("http://").expect("the gateway is on this machine").to_owned();
        let settings = Settings { outbound: outbound::to(gateway).await, variables, clock: None };
        Edge::Worker(Worker::start(build, self.cloudflare.clone(), settings).await)
    }

    /// Has the edge send its log lines, and says what the gateway answered.
    async fn send_logs(&self) -> Answer {
        let Some(edge) = self.edge() else { return Answer::status(404) };
        let Some(answered) = edge.send_logs().await else { return Answer::status(404) };
        let body = String::from_utf8_lossy(&answered.body);
        Answer::json(200, &json!({ "status": answered.status, "body": body }))
    }

    /// All names, or the value of one.
    fn kv(&self, name: &str) -> Answer {
        if name.is_empty() {
            return Answer::json(200, &json!(self.cloudflare.kv_names()));
        }
        let stored = self.cloudflare.kv(name).map(|stored| (stored.value, stored.metadata));
        stored.map_or(Answer::status(404), |(value, metadata)| {
            Answer::json(200, &json!({ "value": value, "metadata": metadata }))
        })
    }
}

/// A gateway that answers for `host` at `url`.
fn origin(url: String, host: String, prefix: String, has_doors: bool) -> Origin {
    let exchange = move |request: WireRequest, body: Bytes| {
        let url = format!("{url}{}", request.target);
        let sent = async move {
            let own = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let headers: Vec<_> = own.chain([("host", request.authority.as_str())]).collect();
            let answer = client::exchange(&request.method, &url, &headers, body).await;
            answer.map_or(502.into(), answered)
        };
        Box::pin(sent) as std::pin::Pin<Box<dyn Future<Output = Answered> + Send>>
    };
    Origin { host, prefix, has_doors, exchange: Arc::new(exchange) }
}

fn answered(answer: Response<Bytes>) -> Answered {
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    Answered { status: answer.status().as_u16(), content_type, body: answer.into_body() }
}

/// `status 503`, `retry-after 2`, or one word.
fn fault(text: &str) -> Fault {
    let (word, number) = text.split_once(' ').unwrap_or((text, "0"));
    let number = number.parse::<u16>().expect("a number");
    match word {
        "status" => Fault::Status(number),
        "retry-after" => Fault::RetryAfter(number.into()),
        "slow" => Fault::Slow(Duration::from_secs(number.into())),
        "html" => Fault::Html,
        "garbage" => Fault::Garbage,
        "success-false" => Fault::SuccessFalse,
        "cut" => Fault::Cut,
        "hang" => Fault::Hang,
        "lost" => Fault::AppliedThenLost,
        _ => panic!("no such fault: {text}"),
    }
}
