//! One request passed on to another server as it was sent, and its answer passed back as it comes.

use std::io;

use tokio::io::{AsyncWriteExt, BufReader, copy_buf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::wire::{Framing, Head};

/// A connection whose requests are read one by one.
pub struct Connection {
    pub read: BufReader<OwnedReadHalf>,
    pub write: OwnedWriteHalf,
}

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        let (read, write) = stream.into_split();
        Self { read: BufReader::new(read), write }
    }
}

/// What becomes of a connection behind an answer.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Then {
    Kept,
    Closed,
    /// It speaks another protocol from now on.
    Upgraded,
}

/// Sends a request on over a connection of its own; `client` still has its body. `change` sees the head of the
/// answer first. Says whether a further request may come from the client.
pub async fn relay(
    request: &Head,
    client: &mut Connection,
    to: &str,
    change: impl FnOnce(&mut Head),
) -> io::Result<bool> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut server = Connection::from(stream);
    let (then, is_sent) = {
        let sending = send(request, &mut client.read, &mut server.write);
        let answering = answer(request, &mut server.read, &mut client.write, change);
        tokio::pin!(sending, answering);
        // An answer may come before all of the request is sent, and then the rest is nobody's.
        tokio::select! {
            biased;
            then = &mut answering => (then?, false),
            is_sent = &mut sending => (answering.await?, is_sent),
        }
    };
    if then == Then::Upgraded {
        tokio::select! {
            _ = copy_buf(&mut client.read, &mut server.write) => {}
            _ = copy_buf(&mut server.read, &mut client.write) => {}
        }
    }
    Ok(then == Then::Kept && is_sent)
}

/// Whether all of it was sent. Where it was not, the server is told so, and may still say something.
async fn send(request: &Head, from: &mut BufReader<OwnedReadHalf>, to: &mut OwnedWriteHalf) -> bool {
    let sent = async {
        to.write_all(&request.bytes()).await?;
        Framing::of_request(request).pass(from, to).await
    };
    let is_sent = sent.await.is_ok();
    if !is_sent {
        let _ = to.shutdown().await;
    }
    is_sent
}

async fn answer(
    request: &Head,
    from: &mut BufReader<OwnedReadHalf>,
    to: &mut OwnedWriteHalf,
    change: impl FnOnce(&mut Head),
) -> io::Result<Then> {
    let mut head = loop {
        let head = Head::read(from).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        match head.status()? {
            100 | 102..=199 => to.write_all(&head.bytes()).await?,
            _ => break head,
        }
    };
    change(&mut head);
    to.write_all(&head.bytes()).await?;
    let framing = Framing::of_answer(&head, &request.method())?;
    framing.pass(from, to).await?;
    Ok(match head.status()? {
        101 => Then::Upgraded,
        _ if framing == Framing::UntilClosed || head.closes() || request.closes() => Then::Closed,
        _ => Then::Kept,
    })
}
