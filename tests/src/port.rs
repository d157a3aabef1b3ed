//! A free port of 127.0.0.1 and the connections to it, which can be refused for a while.
//!
//! Refuses to know what is said on a connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

type Serve = Arc<dyn Fn(TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A listening port. Its connections end with it.
pub struct Port {
    address: SocketAddr,
    serve: Serve,
    accepting: Mutex<Option<JoinHandle<()>>>,
    /// Bound but not listening: connections are refused and nobody else gets the port meanwhile.
    reserved: Mutex<Option<TcpSocket>>,
}

impl Port {
    /// `serve` has one connection each time, until it returns.
    pub async fn open<S, F>(serve: S) -> Self
    where
        S: Fn(TcpStream) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let serve: Serve = Arc::new(move |stream| Box::pin(serve(stream)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let accepting = tokio::spawn(accept(listener, serve.clone()));
        Self { address, serve, accepting: Mutex::new(Some(accepting)), reserved: Mutex::default() }
    }

    /// `127.0.0.1:port`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:port`, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Drops every open connection; further ones are refused until [`Port::listen`].
    pub async fn refuse(&self) {
        let Some(accepting) = self.accepting.lock().unwrap().take() else { return };
        accepting.abort();
        let _ = accepting.await;
        let reserved = reserve(self.address).await;
        *self.reserved.lock().unwrap() = Some(reserved);
    }

    /// Accepts connections again.
    pub fn listen(&self) {
        if let Some(socket) = self.reserved.lock().unwrap().take() {
            let listener = socket.listen(1024).expect("the reserved port");
            *self.accepting.lock().unwrap() = Some(tokio::spawn(accept(listener, self.serve.clone())));
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Ok(Some(accepting)) = self.accepting.get_mut() {
            accepting.abort();
        }
    }
}

/// Binds a port that a listener has just left. A process that is being started at this moment may
/// still hold that listener, until its exec closes it.
async fn reserve(address: SocketAddr) -> TcpSocket {
    for _ in 0..1000 {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("SO_REUSEADDR");
        match socket.bind(address) {
            Ok(()) => return socket,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => sleep(Duration::from_millis(1)).await,
            Err(error) => panic!("{address} cannot be bound: {error}"),
        }
    }
    panic!("{address} is still in use");
}

/// Connections belong to this task: aborting it closes them all.
async fn accept(listener: TcpListener, serve: Serve) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            connections.spawn(serve(stream));
        }
        while connections.try_join_next().is_some() {}
    }
}
