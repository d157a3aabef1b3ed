//! A back end: an HTTP/1.1 server that keeps every byte of what it was sent, and answers as it is told.
//!
//! It reads requests by itself, as strictly as possible, because what a forwarder must never send is
//! what lenient readers tell apart differently. It refuses to know what a request means.

mod reading;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::json;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

pub use self::reading::Received;

/// What the back end does with one request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// 200 with a JSON document that says which back end this is and what arrived.
    Tell,
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    },
    /// The same as `Tell`, later.
    Slow(Duration),
    /// The request is read and nothing is ever said.
    Hang,
    /// The request is read and the connection closed.
    Cut,
    /// 200 with a length; half of it comes, then the connection is closed.
    Truncated(usize),
    /// 200 in chunks; the last one never comes, the connection is closed.
    Unended,
    /// 200 with this many bytes, in chunks.
    Huge(usize),
    /// 200 with these pieces in chunks, each when there is a permit for it, and one for the end.
    Paced(Vec<&'static [u8]>, Arc<Semaphore>),
    /// 200 with a body that goes on as long as somebody reads.
    Endless,
    /// These bytes and nothing else, then the connection is closed.
    Raw(&'static [u8]),
    /// As `Tell`, then these bytes, which nobody asked for; the connection stays open.
    Surplus(&'static [u8]),
    /// As `Tell`; the connection is left open by both sides, then closed without a word.
    ThenClose(Duration),
}

pub struct Backend {
    address: String,
    inside: Arc<Inside>,
    accepting: Option<JoinHandle<()>>,
}

struct Inside {
    name: String,
    /// For the requests to come, one each; then `always`.
    next: Mutex<VecDeque<Behaviour>>,
    always: Mutex<Behaviour>,
    received: Mutex<Vec<Received>>,
    /// What was no request.
    refused: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

impl Backend {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start(name: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address").to_string();
        let inside = Arc::new(Inside {
            name: name.to_owned(),
            next: Mutex::default(),
            always: Mutex::new(Behaviour::Tell),
            received: Mutex::default(),
            refused: Mutex::default(),
            connections: AtomicUsize::default(),
        });
        let accepting = tokio::spawn(accept(listener, inside.clone()));
        Self { address, inside, accepting: Some(accepting) }
    }

    /// `http://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address has a port")
    }

    /// What becomes of every request from now on.
    pub fn always(&self, behaviour: Behaviour) {
        *self.inside.always.lock().unwrap() = behaviour;
    }

    /// What becomes of the next requests, one each.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.inside.next.lock().unwrap().extend(behaviours);
    }

    /// Every request so far, in order, and forgets them.
    ///
    /// # Panics
    /// If something arrived that is no request.
    pub fn take(&self) -> Vec<Received> {
        let refused = std::mem::take(&mut *self.inside.refused.lock().unwrap());
        assert!(refused.is_empty(), "{} got what is no request: {refused:?}", self.inside.name);
        std::mem::take(&mut *self.inside.received.lock().unwrap())
    }

    /// How many requests there were since the last [`Backend::take`].
    pub fn count(&self) -> usize {
        self.inside.received.lock().unwrap().len()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.inside.connections.load(Ordering::Relaxed)
    }

    /// Stops listening and closes every connection; further ones are refused.
    pub async fn stop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            let _ = accepting.await;
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

/// Connections belong to this task: aborting it closes them all.
async fn accept(listener: TcpListener, inside: Arc<Inside>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let number = inside.connections.fetch_add(1, Ordering::Relaxed);
            let inside = inside.clone();
            connections.spawn(async move {
                let _ = inside.serve(stream, number).await;
            });
        }
        while connections.try_join_next().is_some() {}
    }
}

impl Inside {
    async fn serve(&self, stream: TcpStream, connection: usize) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        loop {
            let request = match reading::request(&mut stream, connection).await {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(what) => {
                    self.refused.lock().unwrap().push(what);
                    return Ok(());
                }
            };
            let (told, is_head) = (self.told(&request), request.method == "HEAD");
            self.received.lock().unwrap().push(request);
            let behaviour = self.next.lock().unwrap().pop_front();
            let behaviour = behaviour.unwrap_or_else(|| self.always.lock().unwrap().clone());
            if !answer(stream.get_mut(), behaviour, &told, is_head).await? {
                return Ok(());
            }
        }
    }

    fn told(&self, request: &Received) -> Vec<u8> {
        let body = String::from_utf8_lossy(&request.body);
        let told = json!({
            "backend": self.name, "method": request.method, "target": request.target, "headers": request.headers,
            "body": body,
        });
        told.to_string().into_bytes()
    }
}

/// Whether the connection goes on.
async fn answer(stream: &mut TcpStream, behaviour: Behaviour, told: &[u8], is_head: bool) -> std::io::Result<bool> {
    let reply = |status, headers: &[_], body: &[u8]| {
        let mut reply = head(status, headers, body.len());
        reply.extend_from_slice(if is_head { &[] } else { body });
        reply
    };
    let json = || reply(200, &[("content-type", "application/json".to_owned())], told);
    match behaviour {
        Behaviour::Tell => stream.write_all(&json()).await?,
        Behaviour::Reply { status, headers, body } => stream.write_all(&reply(status, &headers, &body)).await?,
        Behaviour::Slow(pause) => {
            sleep(pause).await;
            stream.write_all(&json()).await?;
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Cut => return Ok(false),
        Behaviour::Truncated(length) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&vec![b'x'; length / 2]).await?;
            stream.flush().await?;
            return Ok(false);
        }
        Behaviour::Unended => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n").await?;
            return Ok(false);
        }
        Behaviour::Huge(length) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            let piece = vec![b'x'; 65_536];
            let mut left = length;
            while left > 0 {
                let now = left.min(piece.len());
                stream.write_all(format!("{now:x}\r\n").as_bytes()).await?;
                stream.write_all(&piece[..now]).await?;
                stream.write_all(b"\r\n").await?;
                left -= now;
            }
            stream.write_all(b"0\r\n\r\n").await?;
        }
        Behaviour::Paced(pieces, pace) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            for piece in pieces.into_iter().chain([&b""[..]]) {
                pace.acquire().await.expect("a semaphore that stays open").forget();
                let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
                stream.write_all(&chunk).await?;
            }
        }
        Behaviour::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            let mut chunk = b"10000\r\n".to_vec();
            chunk.extend([b'x'; 65_536]);
            chunk.extend(b"\r\n");
            loop {
                stream.write_all(&chunk).await?;
            }
        }
        Behaviour::Raw(bytes) => {
            stream.write_all(bytes).await?;
            stream.flush().await?;
            return Ok(false);
        }
        Behaviour::Surplus(bytes) => {
            let mut all = json();
            all.extend_from_slice(bytes);
            stream.write_all(&all).await?;
        }
        Behaviour::ThenClose(idle) => {
            stream.write_all(&json()).await?;
            sleep(idle).await;
            return Ok(false);
        }
    }
    Ok(true)
}

fn head(status: u16, headers: &[(&str, String)], length: usize) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} as told\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {length}\r\n\r\n"));
    head.into_bytes()
}
