//! The one small HTTP/1.1 server under every fake.
//!
//! Owns what can go wrong below a protocol: answers that never come, stop half way or arrive a few
//! bytes at a time. Refuses to know what is asked: a handler turns each request
//! into an [`Answer`].

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Interval, interval};

use crate::port::Port;

/// One request as a fake sees it.
pub struct Request {
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    /// A header's value; empty where it is absent or not ASCII.
    pub fn header(&self, name: &str) -> &str {
        text(&self.headers, name)
    }
}

/// One request whose body is still on its way.
pub struct Unread {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Incoming,
}

impl Unread {
    async fn read(self) -> io::Result<Request> {
        let body = self.body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Request { method: self.method, target: self.target, headers: self.headers, body })
    }

    /// A header's value; empty where it is absent or not ASCII.
    pub fn header(&self, name: &str) -> &str {
        text(&self.headers, name)
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// What a fake does with one request.
pub enum Answer {
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    },
    /// The request is read and nothing is ever said.
    Hang,
    /// The request is read and the connection closed.
    Cut,
    /// The whole length is announced, half of it is sent, the connection is closed.
    Truncated(Bytes),
    /// A 200 whose body comes in pieces of `piece` bytes, one each `every`.
    Drip {
        body: Bytes,
        piece: usize,
        every: Duration,
    },
    /// A 200 whose body never ends.
    Endless,
}

impl Answer {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Reply { status, headers, body: body.to_string().into() }
    }

    pub fn status(status: u16) -> Self {
        Self::Reply { status, headers: Vec::new(), body: Bytes::new() }
    }
}

type Handler = Arc<dyn Fn(Unread) -> Pin<Box<dyn Future<Output = io::Result<Answer>> + Send>> + Send + Sync>;

/// A listening fake. Its tasks and its port end with it.
pub struct Server(Port);

impl Server {
    pub async fn start<H, F>(handler: H) -> Self
    where
        H: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let handler = Arc::new(handler);
        Self::start_unread(move |request| {
            let handler = handler.clone();
            async move { Ok(handler(request.read().await?).await) }
        })
        .await
    }

    /// The handler reads bodies as it likes; its error closes the connection without an answer.
    pub async fn start_unread<H, F>(handler: H) -> Self
    where
        H: Fn(Unread) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<Answer>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        Self(Port::open(move |stream| serve(stream, handler.clone())).await)
    }

    /// `127.0.0.1:port`.
    pub fn authority(&self) -> String {
        self.0.authority()
    }

    /// `http://127.0.0.1:port`, without a trailing slash.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Drops every open connection; further ones are refused until [`Server::listen`].
    pub async fn refuse(&self) {
        self.0.refuse().await;
    }

    /// Accepts connections again, on the same port.
    pub fn listen(&self) {
        self.0.listen();
    }
}

async fn serve(stream: TcpStream, handler: Handler) {
    let service = service_fn(move |request| {
        let handler = handler.clone();
        async move { respond(request, &handler).await }
    });
    // An error here is the client that went away, or a body broken on purpose.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An error closes the connection without an answer.
async fn respond(
    request: hyper::Request<Incoming>,
    handler: &Handler,
) -> io::Result<Response<BoxBody<Bytes, io::Error>>> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let request = Unread { method: head.method.to_string(), target, headers: head.headers, body };
    Ok(match handler(request).await? {
        Answer::Reply { status, headers, body } => {
            let status = StatusCode::from_u16(status).expect("a status code");
            response(status, &headers, Full::new(body).map_err(io::Error::other).boxed())
        }
        Answer::Hang => std::future::pending().await,
        Answer::Cut => return Err(io::Error::other("cut on purpose")),
        Answer::Truncated(body) => {
            let length = [(CONTENT_LENGTH.as_str(), body.len().to_string())];
            let half = body.slice(..body.len() / 2);
            let piece = half.len().max(1);
            let cut = Pieces { rest: half, piece, pace: interval(Duration::from_millis(1)), whole: false };
            response(StatusCode::OK, &length, cut.boxed())
        }
        Answer::Drip { body, piece, every } => {
            let pieces = Pieces { rest: body, piece, pace: interval(every), whole: true };
            response(StatusCode::OK, &[("content-type", "application/json".to_owned())], pieces.boxed())
        }
        Answer::Endless => response(StatusCode::OK, &[], Endless.boxed()),
    })
}

fn response(
    status: StatusCode,
    headers: &[(&str, String)],
    body: BoxBody<Bytes, io::Error>,
) -> Response<BoxBody<Bytes, io::Error>> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(body).expect("headers that a fake writes are valid")
}

/// A body in pieces, one a tick, which ends whole or breaks off.
struct Pieces {
    rest: Bytes,
    piece: usize,
    pace: Interval,
    whole: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        ready!(self.pace.poll_tick(cx));
        if self.rest.is_empty() {
            let broken = (!self.whole).then(|| Err(io::Error::other("broken off on purpose")));
            return Poll::Ready(broken);
        }
        let piece = self.piece.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }
}

/// A body that goes on as long as somebody reads.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        static PIECE: [u8; 65_536] = [b' '; 65_536];
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}
