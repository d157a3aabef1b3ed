//! HTTPS requests with bounds: a largest body, a patience, no redirects, and only addresses that
//! the [`Network`] allows.
//!
//! Refuses to know what is asked of whom, and never tries again. The SDK's HTTP client is used, so
//! that there is one TLS stack and one set of root certificates.

mod network;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
pub use bytes::Bytes;
use countersign_decision::limits;

pub use crate::network::Network;

pub struct Https {
    network: Network,
    connector: Connector,
}

/// One request. It has no `Debug`: headers and body may hold secrets.
pub struct Request<'a> {
    pub method: &'static str,
    pub url: &'a str,
    pub headers: Vec<(&'static str, String)>,
    /// Shared, not copied: sending a request again costs no memory.
    pub body: Bytes,
}

/// The whole answer, whatever its status.
pub struct Response {
    pub status: u16,
    headers: Headers,
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value; `None` where it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.try_get(name).and_then(Result::ok)
    }
}

/// Why there is no answer, for the operator. Every text names the URL.
#[derive(Debug)]
pub enum Failure {
    /// Nothing left this machine: a URL that is not allowed, or no connection.
    NotSent(String),
    /// The request may have been received, and acted on.
    NoAnswer(String),
    /// The answer is larger than asked for; the request was received.
    TooLarge(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotSent(why) | Self::NoAnswer(why) | Self::TooLarge(why)) = self;
        f.write_str(why)
    }
}

impl Error for Failure {}

const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));

impl Https {
    /// Reads the root certificates, which takes milliseconds: at start, not in a request.
    pub fn new(network: Network) -> Self {
        let connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_with_resolver(network::Resolver(network));
        Self { network, connector }
    }

    /// One request and its whole answer, within `patience`.
    ///
    /// # Errors
    /// [`Failure`], which says whether the request may have been acted on.
    pub async fn send(
        &self,
        request: Request<'_>,
        largest_body: usize,
        patience: Duration,
    ) -> Result<Response, Failure> {
        let url = request.url;
        let connection = CaptureSmithyConnection::new();
        let exchange = self.exchange(request, largest_body, &connection);
        tokio::time::timeout(patience, exchange).await.unwrap_or_else(|_| {
            let why = format!("{url}: no answer within {} ms", patience.as_millis());
            Err(unanswered(&connection, why))
        })
    }

    /// One GET of a JSON document of at most [`limits::JWKS_BODY`] bytes. How long to wait is the
    /// caller's business.
    ///
    /// # Errors
    /// For the operator: why there is no body. Any status but 200 is one.
    pub async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let headers = vec![("accept", "application/json".to_owned())];
        let request = Request { method: "GET", url, headers, body: Bytes::new() };
        let response = self.exchange(request, limits::JWKS_BODY, &CaptureSmithyConnection::new()).await;
        match response {
            Ok(response) if response.status == 200 => Ok(response.body),
            Ok(response) => Err(format!("{url}: status {}", response.status)),
            Err(failure) => Err(failure.to_string()),
        }
    }

    async fn exchange(
        &self,
        request: Request<'_>,
        largest_body: usize,
        connection: &CaptureSmithyConnection,
    ) -> Result<Response, Failure> {
        let url = request.url;
        self.network.check(url).map_err(Failure::NotSent)?;
        let mut outgoing = outgoing(request).map_err(Failure::NotSent)?;
        outgoing.add_extension(connection.clone());
        let response = self.connector.call(outgoing).await;
        let response = response.map_err(|error| unanswered(connection, format!("{url}: {}", causes(&error))))?;
        read(response, url, largest_body).await
    }
}

fn outgoing(request: Request<'_>) -> Result<HttpRequest, String> {
    let url = request.url;
    // RFC 9110 §8.6: a method that may have a body says when there is none.
    let nothing = (request.method != "GET" && request.body.is_empty()).then(|| ("content-length", "0".to_owned()));
    let mut outgoing = HttpRequest::new(SdkBody::from(request.body));
    outgoing.set_method(request.method).map_err(|_| format!("{url}: {} is not a method", request.method))?;
    outgoing.set_uri(url).map_err(|_| format!("{url}: not a URL"))?;
    let own = [("user-agent", USER_AGENT.to_owned())];
    for (name, value) in request.headers.into_iter().chain(own).chain(nothing) {
        let added = outgoing.headers_mut().try_insert(name, value);
        added.map_err(|_| format!("{url}: the header {name} has a value that cannot be sent"))?;
    }
    Ok(outgoing)
}

async fn read(mut response: HttpResponse, url: &str, largest_body: usize) -> Result<Response, Failure> {
    let mut stream = ByteStream::new(response.take_body());
    let mut body = Vec::new();
    while let Some(chunk) =
        stream.try_next().await.map_err(|error| Failure::NoAnswer(format!("{url}: {}", causes(&error))))?
    {
        if body.len() + chunk.len() > largest_body {
            return Err(Failure::TooLarge(format!("{url}: larger than {largest_body} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status: response.status().as_u16(), headers: response.headers().clone(), body })
}

/// Without a connection nothing can have been sent.
fn unanswered(connection: &CaptureSmithyConnection, why: String) -> Failure {
    match connection.get() {
        Some(_) => Failure::NoAnswer(why),
        None => Failure::NotSent(why),
    }
}

/// An error and what caused it, in one line.
fn causes(error: &dyn Error) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
