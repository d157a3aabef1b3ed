//! A client for the fakes: one request, one connection, nothing else.

use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Status and body of the answer; `Err` says why there is none.
///
/// `url` is `http://host:port/path`, and `Host` is its host unless `headers` names another.
pub async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: Bytes) -> Result<(u16, Bytes), String> {
    let answer = exchange(method, url, headers, body).await?;
    Ok((answer.status().as_u16(), answer.into_body()))
}

/// The whole answer.
pub async fn exchange(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Response<Bytes>, String> {
    let (authority, target) = split(url);
    let failed = |error: &dyn std::error::Error| format!("{method} {url}: {error}");
    let stream = TcpStream::connect(authority).await.map_err(|error| failed(&error))?;
    let _ = stream.set_nodelay(true);
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| failed(&error))?;
    let mut request = hyper::Request::builder().method(method).uri(target);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", authority);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body)).map_err(|error| failed(&error))?;
    let answered = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        Ok::<_, hyper::Error>(Response::from_parts(head, body.collect().await?.to_bytes()))
    };
    tokio::pin!(connection);
    tokio::pin!(answered);
    // The connection moves only as long as somebody polls it; ending it ends nothing that is under way.
    let answer = tokio::select! {
        answer = &mut answered => answer,
        _ = &mut connection => answered.await,
    };
    answer.map_err(|error| failed(&error))
}

fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url} is no http URL"));
    let end = rest.find('/').unwrap_or(rest.len());
    (&rest[..end], if end == rest.len() { "/" } else { &rest[end..] })
}
