//! Who answers: the back ends of the deploy-time list, and one way to ask each of them.
//!
//! Refuses to know routes: a name is either on the list or not.

mod body;
mod https;
mod lambda;
mod list;
pub mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use aws_config::SdkConfig;
use countersign_decision::limits;
use countersign_function::notes::Notes;
use countersign_https::{Https, Network};
use tokio::time::Instant;

pub use self::body::Body;
use self::https::HttpsBackend;
use self::lambda::LambdaBackend;
pub use self::list::BackendList;
use self::list::Place;
use crate::failure::Failure;
use crate::outgoing::names::{is_of_a_connection, plain};
use crate::outgoing::{Outgoing, can_be_sent};

pub struct Backends {
    backends: Vec<Backend>,
    fallback: Option<String>,
}

pub struct Backend {
    name: String,
    way: Way,
}

enum Way {
    Https(HttpsBackend),
    Lambda(LambdaBackend),
}

/// What a back end answered.
#[derive(Debug)]
pub struct BackendAnswer<B = Body> {
    /// 200 to 599.
    pub status: u16,
    /// Names in lower case; a name with several values is there several times. Nothing about the
    /// connection it came over, and no length.
    pub headers: Vec<(String, String)>,
    pub body: B,
}

impl<B> BackendAnswer<B> {
    fn map(self, body: impl FnOnce(B) -> Body) -> BackendAnswer {
        BackendAnswer { status: self.status, headers: self.headers, body: body(self.body) }
    }
}

impl Backends {
    /// Calls nothing yet, but reads the root certificates.
    pub fn new(list: &BackendList, aws: &SdkConfig) -> Self {
        let (mut public, mut any, mut client) = (None, None, None);
        let mut https = |network| {
            let shared = if network == Network::Public { &mut public } else { &mut any };
            Arc::clone(shared.get_or_insert_with(|| Arc::new(Https::new(network))))
        };
        let mut backends = Vec::with_capacity(list.entries.len());
        for entry in &list.entries {
            let way = match &entry.place {
                Place::Https { base, network } => Way::Https(HttpsBackend::new(base, https(*network))),
                Place::Lambda { function } => {
                    let client = client.get_or_insert_with(|| lambda::client(aws)).clone();
                    Way::Lambda(LambdaBackend::new(function.clone(), client))
                }
            };
            backends.push(Backend { name: entry.name.clone(), way });
        }
        Self { backends, fallback: list.fallback.clone() }
    }

    pub fn get(&self, name: &str) -> Option<&Backend> {
        self.backends.iter().find(|backend| backend.name == name)
    }

    /// Who answers where no route matches.
    pub fn fallback(&self) -> Option<&Backend> {
        self.get(self.fallback.as_deref()?)
    }
}

impl Backend {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks, and waits until `until` for the answer to begin; asks once more if the connection failed and the
    /// method is idempotent.
    ///
    /// # Errors
    /// A [`Failure`] for the client; why, for the operator, is noted.
    pub async fn send(&self, outgoing: &Outgoing<'_>, until: Instant, notes: &Notes) -> Result<BackendAnswer, Failure> {
        let answer = async {
            match &self.way {
                Way::Https(backend) => backend.send(outgoing, notes).await.map(|answer| answer.map(Body::Coming)),
                Way::Lambda(backend) => backend.send(outgoing, notes).await.map(|answer| answer.map(Body::Whole)),
            }
        };
        // Boxed: the clients' futures are large and deep, and waited for inside many others.
        tokio::time::timeout_at(until, Box::pin(answer)).await.unwrap_or_else(|_| {
            notes.cause(&format!("{}: no answer in time", self.name));
            Err(Failure::BackendTimeout)
        })
    }
}

/// RFC 9110 §9.2.2, as far as gateways know methods: sent twice, they do what they do once.
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "TRACE")
}

/// A back end's header lines without those about its connection, which is not the client's.
///
/// # Errors
/// More lines, or more that `Connection` names, than are taken: what follows is quadratic in them.
fn passed_back<N: AsRef<str>, V: AsRef<str>>(lines: &[(N, V)]) -> Result<Vec<(String, String)>, String> {
    bounded(lines.len())?;
    let named: Vec<_> = lines
        .iter()
        .filter(|(name, _)| name.as_ref().eq_ignore_ascii_case("connection"))
        .flat_map(|(_, value)| value.as_ref().split(','))
        .take(limits::HEADERS + 1)
        .map(|name| plain(name.trim()))
        .collect();
    bounded(named.len())?;
    let passed = lines
        .iter()
        .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.as_ref()))
        .filter(|(name, value)| {
            let plain = plain(name);
            !is_of_a_connection(&plain) && !named.contains(&plain) && can_be_sent(name, value)
        })
        .map(|(name, value)| (name, value.to_owned()));
    Ok(passed.collect())
}

fn bounded(lines: usize) -> Result<(), String> {
    if lines > limits::HEADERS { Err(format!("more than {} header lines", limits::HEADERS)) } else { Ok(()) }
}
