//! Clients of the edge that send one request after the other, without pause, and count how each ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::counts::{Counts, End};

/// What a client asks for, in turn: reads, writes whose nonce is claimed, and a connection. The API's
/// stage is not in it; the edge puts it there.
const ASKED: [(&str, &str); 5] = [
    ("GET", "/items/17?full=yes&of=a%20b"),
    ("POST", "/items"),
    ("GET", "/items"),
    ("GET", "/items/caf%C3%A9?q=%26"),
    ("GET", "/"),
];

pub struct Clients {
    stop: Arc<AtomicBool>,
    counts: Arc<Mutex<Counts>>,
    tasks: JoinSet<()>,
}

impl Clients {
    /// One client for each edge, given as `host:port`. All of them hold the same API key.
    pub fn start(edges: &[String], raw_key: &'static str) -> Self {
        let mut clients = Self { stop: Arc::default(), counts: Arc::default(), tasks: JoinSet::new() };
        for (first, edge) in edges.iter().enumerate() {
            let mut client = Client::new(edge, raw_key);
            let (stop, counts) = (clients.stop.clone(), clients.counts.clone());
            clients.tasks.spawn(async move {
                for (method, target) in ASKED.iter().cycle().skip(first) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let answer = client.send(method, target).await;
                    let mut counts = counts.lock().unwrap();
                    match answer {
                        Ok(status) => {
                            let end = End::of_status(status);
                            counts.count(end);
                            if end != End::Allowed {
                                counts.because(format!("{status} for {method} {target}"));
                            }
                        }
                        Err(cause) => {
                            counts.count(End::Fault);
                            counts.because(cause);
                        }
                    }
                }
            });
        }
        clients
    }

    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap().clone()
    }

    /// Waits for the answers that are still to come.
    ///
    /// # Panics
    /// If a client did.
    pub async fn stop(mut self) -> Counts {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.counts()
    }
}

/// One client with one connection, which it keeps.
pub struct Client {
    edge: String,
    raw_key: &'static str,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub fn new(edge: &str, raw_key: &'static str) -> Self {
        Self { edge: edge.to_owned(), raw_key, connection: None }
    }

    /// The status; `Err` says why there is none.
    pub async fn send(&mut self, method: &str, target: &str) -> Result<u16, String> {
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.connect().await.map_err(|error| format!("no connection: {error}"))?,
        };
        let request = hyper::Request::builder()
            .method(method)
            .uri(target)
            .header("host", &self.edge)
            .header("x-api-key", self.raw_key)
            .body(Full::default())
            .expect("a request");
        let failed = |error: hyper::Error| format!("no answer: {error}");
        connection.ready().await.map_err(failed)?;
        let answer = connection.send_request(request).await.map_err(failed)?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await.map_err(failed)?;
        self.connection = Some(connection);
        Ok(status)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.edge).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
