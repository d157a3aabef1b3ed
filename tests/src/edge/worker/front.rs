//! What Cloudflare does in front of a Worker: says who called and under which ray, and nobody else may.

use std::io;
use std::sync::Arc;

use hyper::body::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Inside, Version};
use crate::client;
use crate::edge::{name_of, now, ray};
use crate::gate::Gate;
use crate::port::Port;
use crate::relay::{Connection, relay};
use crate::wire::Head;

/// The client, as the edge sees it.
const ADDRESS: &str = "203.0.113.7";
const COUNTRY: &str = "GB";

/// What Cloudflare itself says to what is no HTTP.
const REFUSED: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// How far a clock may be from where it should be, in milliseconds.
const TOLERANCE: u64 = 500;

/// Opens a port whose requests go to the version that runs. `gate`: they pass it first.
pub async fn open(inside: &Arc<Inside>, gate: Option<Arc<Gate>>) -> Port {
    let inside = inside.clone();
    Port::open(move |stream| serve(inside.clone(), gate.clone(), stream)).await
}

async fn serve(inside: Arc<Inside>, gate: Option<Arc<Gate>>, stream: TcpStream) {
    let mut client = Connection::from(stream);
    while let Ok(Some(request)) = Head::read(&mut client.read).await {
        if !request.is_request() {
            let _ = client.write.write_all(REFUSED).await;
            return;
        }
        let name = name_of(&request.target());
        let relayed = inside.relay(request, &mut client);
        let relayed = match &gate {
            Some(gate) => gate.pass(&name, relayed).await,
            None => relayed.await,
        };
        if !relayed.unwrap_or(false) {
            return;
        }
    }
}

impl Inside {
    async fn relay(&self, mut request: Head, client: &mut Connection) -> io::Result<bool> {
        let version = self.version().map_err(io::Error::other)?;
        self.set_clock(&version).await?;
        let ray = ray();
        for (name, value) in [("CF-Connecting-IP", ADDRESS), ("CF-Ray", &ray), ("CF-IPCountry", COUNTRY)] {
            request.remove(name);
            request.push(name, value);
        }
        relay(&request, client, &version.workerd.authority("http"), |answer| answer.push("CF-RAY", &ray)).await
    }

    /// Where the clock is not the real one, it goes on by itself from where it was set.
    async fn set_clock(&self, version: &Version) -> io::Result<()> {
        let Some(clock) = self.clock else { return Ok(()) };
        let ahead = clock().cast_signed() - now().cast_signed();
        if version.ahead.lock().unwrap().abs_diff(ahead) > TOLERANCE {
            let url = format!("http://{}/", version.workerd.authority("clock"));
            client::send("POST", &url, &[], Bytes::from(ahead.to_string())).await.map_err(io::Error::other)?;
            *version.ahead.lock().unwrap() = ahead;
        }
        Ok(())
    }
}
