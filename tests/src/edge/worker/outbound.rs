//! Where all arrives that the Worker fetches, as it is on the wire.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::edge::{Answered, Exchange};
use crate::events::WireRequest;
use crate::port::Port;
use crate::relay::{Connection, relay};
use crate::wire::{Framing, Head};

/// Hands each request to an [`Exchange`].
pub async fn exchanging(exchange: Arc<Exchange>) -> Port {
    Port::open(move |stream| {
        let exchange = exchange.clone();
        async move {
            // An error is the Worker that ended.
            let _ = serve(&exchange, stream).await;
        }
    })
    .await
}

/// Sends each request on to `gateway`, given as `host:port`, unless its `Host` is a port of this machine.
pub async fn to(gateway: String) -> Port {
    Port::open(move |stream| {
        let gateway = gateway.clone();
        async move {
            let mut worker = Connection::from(stream);
            while let Ok(Some(request)) = Head::read(&mut worker.read).await {
                let host = request.header("host").unwrap_or_default();
                let is_here = host.parse().is_ok_and(|address: SocketAddr| address.ip().is_loopback());
                let to = if is_here { &host } else { &gateway };
                if !relay(&request, &mut worker, to, |_| {}).await.unwrap_or(false) {
                    return;
                }
            }
        }
    })
    .await
}

async fn serve(exchange: &Arc<Exchange>, stream: TcpStream) -> io::Result<()> {
    let mut worker = Connection::from(stream);
    while let Some(head) = Head::read(&mut worker.read).await? {
        let body = Framing::of_request(&head).collect(&mut worker.read).await?;
        let answered = exchange(wire_request(&head), body.into()).await;
        worker.write.write_all(&answer(&head.method(), &answered)).await?;
    }
    Ok(())
}

fn wire_request(head: &Head) -> WireRequest {
    let headers = head.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("host")).collect();
    WireRequest {
        method: head.method(),
        authority: head.header("host").unwrap_or_default(),
        target: head.target(),
        headers,
    }
}

fn answer(method: &str, Answered { status, content_type, body }: &Answered) -> Vec<u8> {
    let mut head = Head::new(&format!("HTTP/1.1 {status} "));
    if !content_type.is_empty() {
        head.push("content-type", content_type);
    }
    if !matches!(status, 204 | 304) {
        head.push("content-length", &body.len().to_string());
    }
    let body = if method == "HEAD" || matches!(status, 204 | 304) { &Bytes::new() } else { body };
    [head.bytes().as_slice(), body].concat()
}
