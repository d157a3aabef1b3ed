//! The least that a Lambda proxy must do: the forwarder's overhead is measured against this one.
//!
//! It reads events with the usual types, passes on every header, and sends to the one place that
//! `BACKEND` names with the client that the forwarder has. It checks nothing.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "it exists for a bench, which ends at the first surprise")]

use std::time::Duration;

use aws_lambda_events::apigw::{
    ApiGatewayProxyRequest, ApiGatewayProxyResponse, ApiGatewayV2httpRequest, ApiGatewayV2httpResponse,
};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign_https::{Https, Network, Request, Response};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

const LARGEST: usize = 6 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let backend = std::env::var("BACKEND")?;
    let https = Https::new(Network::Any);
    let (backend, https) = (backend.as_str(), &https);
    match std::env::var("FORMAT")?.as_str() {
        "1.0" => run(service_fn(|event| version_1(https, backend, event))).await,
        _ => run(service_fn(|event| version_2(https, backend, event))).await,
    }
}

async fn version_1(
    https: &Https,
    backend: &str,
    event: LambdaEvent<ApiGatewayProxyRequest>,
) -> Result<ApiGatewayProxyResponse, Error> {
    let event = event.payload;
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = event.multi_value_query_string_parameters.iter();
    let query: Vec<_> = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let url = format!("{backend}{}?{}", event.path.unwrap_or_default(), query.join("&"));
    let body = bytes(event.body, event.is_base64_encoded);
    let answer = send(https, event.http_method.as_str(), &url, &event.multi_value_headers, body).await?;
    let mut response = ApiGatewayProxyResponse::default();
    (response.status_code, response.multi_value_headers) = (answer.status.into(), headers(&answer));
    (response.body, response.is_base64_encoded) = written(answer.body);
    Ok(response)
}

async fn version_2(
    https: &Https,
    backend: &str,
    event: LambdaEvent<ApiGatewayV2httpRequest>,
) -> Result<ApiGatewayV2httpResponse, Error> {
    let event = event.payload;
    let (path, query) = (event.raw_path.unwrap_or_default(), event.raw_query_string.unwrap_or_default());
    let url = format!("{backend}{path}?{query}");
    let body = bytes(event.body, event.is_base64_encoded);
    let method = event.request_context.http.method;
    let answer = send(https, method.as_str(), &url, &event.headers, body).await?;
    let mut response = ApiGatewayV2httpResponse::default();
    (response.status_code, response.headers) = (answer.status.into(), headers(&answer));
    (response.body, response.is_base64_encoded) = written(answer.body);
    Ok(response)
}

fn bytes(body: Option<String>, is_base64: bool) -> Vec<u8> {
    let text = body.unwrap_or_default();
    if is_base64 { BASE64_STANDARD.decode(text).expect("base64") } else { text.into_bytes() }
}

async fn send(https: &Https, method: &str, url: &str, headers: &HeaderMap, body: Vec<u8>) -> Result<Response, Error> {
    let lines = headers.iter().filter(|(name, _)| !matches!(name.as_str(), "host" | "content-length"));
    let headers = lines.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default().to_owned())).collect();
    Ok(https.send(Request { method, url, headers, body: body.into() }, LARGEST, PATIENCE).await?)
}

fn headers(answer: &Response) -> HeaderMap {
    let lines = answer.headers().filter(|(name, _)| *name != "content-length");
    lines
        .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(&value).ok()?)))
        .collect()
}

fn written(body: Vec<u8>) -> (Option<Body>, bool) {
    match String::from_utf8(body) {
        Ok(text) => (Some(Body::Text(text)), false),
        Err(binary) => (Some(Body::Binary(binary.into_bytes())), true),
    }
}
