//! HTTPS requests with bounds: a largest body, a patience, no redirects, and only addresses that
//! the [`Network`] allows.
//!
//! Refuses to know what is asked of whom, and never tries again. The SDK's HTTP client is used, so
//! that there is one TLS stack and one set of root certificates.

mod answer;
mod network;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, ConnectorBuilder, tls};
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
pub use bytes::Bytes;
use countersign_decision::limits;

pub use crate::answer::{Coming, Response};
pub use crate::network::Network;

/// For name, connection and TLS together: room for one lost packet. What takes longer is down.
const CONNECT: Duration = Duration::from_secs(3);

/// How long an idle connection is kept: less than the 5 s after which common servers close theirs, so
/// that no request is sent into a connection that its server is giving up.
const IDLE: Duration = Duration::from_secs(4);

pub struct Https {
    network: Network,
    connector: Connector,
}

/// One request. It has no `Debug`: headers and body may hold secrets.
pub struct Request<'a> {
    pub method: &'a str,
    pub url: &'a str,
    /// Sent in this order, a name that is here twice in two lines.
    pub headers: Vec<(&'a str, String)>,
    /// Shared, not copied: sending a request again costs no memory.
    pub body: Bytes,
}

/// Why there is no answer, for the operator. Every text names the URL.
#[derive(Debug)]
pub enum Failure {
    /// It can never be sent: a URL, a method or a header that is none, or is not allowed.
    Unsendable(String),
    /// There is no connection: nothing left this machine.
    NotSent(String),
    /// The connection ended before an answer began; the request may have been received, and acted on.
    Disconnected(String),
    /// The request may have been received, and acted on.
    NoAnswer(String),
    /// The answer is larger than asked for; the request was received.
    TooLarge(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unsendable(why)
        | Self::NotSent(why)
        | Self::Disconnected(why)
        | Self::NoAnswer(why)
        | Self::TooLarge(why)) = self;
        f.write_str(why)
    }
}

impl Error for Failure {}

const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));

const TLS: tls::Provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);

fn connector() -> ConnectorBuilder {
    Connector::builder()
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT).build())
        .pool_idle_timeout(IDLE)
}

/// For a client of the SDK: connections are made and kept as here, but lead where the SDK says, and
/// through the proxy that the environment names. Its own settings for connections have no effect.
pub fn for_sdk() -> SharedHttpClient {
    let connector = connector().proxy_config(ProxyConfig::from_env()).tls_provider(TLS).build();
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}

impl Https {
    /// Reads the root certificates, which takes milliseconds: at start, not in a request.
    pub fn new(network: Network) -> Self {
        let connector = connector().tls_provider(TLS).build_with_resolver(network::Resolver(network));
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
        let exchange = async { self.begin_on(request, &connection).await?.whole(largest_body).await };
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
        let exchange = async { self.begin(request).await?.whole(limits::JWKS_BODY).await };
        match exchange.await {
            Ok(response) if response.status == 200 => Ok(response.body),
            Ok(response) => Err(format!("{url}: status {}", response.status)),
            Err(failure) => Err(failure.to_string()),
        }
    }

    /// One request and the head of its answer; the body is the caller's to read, and so is how long to wait:
    /// dropped, it closes its connection.
    ///
    /// # Errors
    /// [`Failure`], as for [`Https::send`], but never [`Failure::TooLarge`].
    pub async fn begin(&self, request: Request<'_>) -> Result<Response<Coming>, Failure> {
        self.begin_on(request, &CaptureSmithyConnection::new()).await
    }

    async fn begin_on(
        &self,
        request: Request<'_>,
        connection: &CaptureSmithyConnection,
    ) -> Result<Response<Coming>, Failure> {
        let url = request.url;
        self.network.check(url).map_err(Failure::Unsendable)?;
        let mut outgoing = outgoing(request).map_err(Failure::Unsendable)?;
        outgoing.add_extension(connection.clone());
        let response = self.connector.call(outgoing).await.map_err(|error| {
            let why = format!("{url}: {}", causes(&error));
            let ended = error.is_io() || error.as_other() == Some(ErrorKind::TransientError);
            if ended && connection.get().is_some() { Failure::Disconnected(why) } else { unanswered(connection, why) }
        })?;
        Ok(Response::begun(response, url))
    }
}

fn outgoing(request: Request<'_>) -> Result<HttpRequest, String> {
    let url = request.url;
    // RFC 9110 §8.6: a method that may have a body says when there is none.
    let bodiless = matches!(request.method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
    let nothing = (!bodiless && request.body.is_empty()).then(|| ("content-length", "0".to_owned()));
    let named = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    let own = (!named).then(|| ("user-agent", USER_AGENT.to_owned()));
    let mut outgoing = HttpRequest::new(SdkBody::from(request.body));
    outgoing.set_method(request.method).map_err(|_| format!("{url}: {} is not a method", request.method))?;
    outgoing.set_uri(url).map_err(|_| format!("{url}: not a URL"))?;
    for (name, value) in request.headers.into_iter().chain(own).chain(nothing) {
        let added = outgoing.headers_mut().try_append(name.to_owned(), value);
        added.map_err(|_| format!("{url}: the header {name} has a value that cannot be sent"))?;
    }
    Ok(outgoing)
}

/// Without a connection nothing can have been sent.
fn unanswered(connection: &CaptureSmithyConnection, why: String) -> Failure {
    match connection.get() {
        Some(_) => Failure::NoAnswer(why),
        None => Failure::NotSent(why),
    }
}

/// An error and what caused it, in one line; of each only what it says of itself.
pub fn causes(error: &dyn Error) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
