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

/// A further port of a fake, for one client. Its port ends with it.
pub struct Door(Server);

impl Door {
    /// `name` is what the gate calls a request.
    pub async fn open<F: Fake>(fake: &Arc<F>, gate: &Arc<Gate>, name: fn(&F, &Request) -> String) -> Self {
        let (fake, gate) = (fake.clone(), gate.clone());
        let server = Server::start(move |request| {
            let (fake, gate) = (fake.clone(), gate.clone());
            async move { gate.pass(&name(&fake, &request), fake.answer(&request)).await }
        });
        Self(server.await)
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.0.url()
    }
}
