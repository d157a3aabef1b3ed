//! A fake behind its ports: one that it answers at, and any number of doors whose calls pass a gate.

use std::future::Future;
use std::sync::Arc;

use crate::gate::Gate;
use crate::http::{Answer, Request, Server};

/// What stands behind the ports.
pub trait Fake: Send + Sync + 'static {
    fn answer(&self, request: &Request) -> impl Future<Output = Answer> + Send;
}

pub async fn serve(fake: &Arc<impl Fake>) -> Server {
    let fake = fake.clone();
    Server::start(move |request| {
        let fake = fake.clone();
        async move { fake.answer(&request).await }
    })
    .await
}

/// A further port of a fake, for one client. It ends with this.
pub struct Door {
    url: String,
    _port: Box<dyn Send + Sync>,
}

impl Door {
    /// `name` is what the gate calls a request.
    pub async fn open<F: Fake>(fake: &Arc<F>, gate: &Arc<Gate>, name: fn(&F, &Request) -> String) -> Self {
        let (fake, gate) = (fake.clone(), gate.clone());
        let server = Server::start(move |request| {
            let (fake, gate) = (fake.clone(), gate.clone());
            async move { gate.pass(&name(&fake, &request), fake.answer(&request)).await }
        });
        let server = server.await;
        Self::of(server.url(), server)
    }

    /// Keeps open what listens at this URL.
    pub fn of(url: String, port: impl Send + Sync + 'static) -> Self {
        Self { url, _port: Box::new(port) }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.url.clone()
    }
}
