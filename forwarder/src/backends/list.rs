//! The deploy-time list of back ends: `BACKENDS`, `PRIVATE_BACKENDS` and `DEFAULT_BACKEND`.
//!
//! Nothing that comes with a request, and no record of the table, can name a place that is not here.

use countersign_function::url::{has_an_address, web_host};
use countersign_function::variables::Variables;
use countersign_https::Network;

/// Back ends by name, in the order of the list.
#[derive(Debug, Default)]
pub struct BackendList {
    pub(super) entries: Vec<Entry>,
    /// The name of the one that answers where no route matches; it is in the list.
    pub(super) fallback: Option<String>,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) struct Entry {
    pub name: String,
    pub place: Place,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Scheme, host, port and the prefix of every path, without a slash at the end.
    Https { base: String, network: Network },
    /// A function's ARN, with a version or an alias or without.
    Lambda { function: String },
}

const FORM: &str = "it must be name=place, several separated by commas, as in \
                    shop=https://shop.example.com/api,mail=arn:aws:lambda:eu-west-1:123456789012:function:mail:live";

impl BackendList {
    /// What is wrong is told to `variables`. Places are not quoted there: a URL may hold a password.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let mut list = Self::default();
        for item in variables.list("BACKENDS") {
            if let Err(says) = list.add(&item) {
                variables.problem("BACKENDS", &says);
            }
        }
        for name in variables.list("PRIVATE_BACKENDS") {
            if let Err(says) = list.open_private_network(&name) {
                variables.problem("PRIVATE_BACKENDS", &says);
            }
        }
        for name in list.entries.iter().filter(|entry| entry.place.is_plain_but_public()).map(|entry| &entry.name) {
            let says = format!(
                "has {name:?}, a plain http:// URL with a name, which can lead anywhere: use https, or list {name:?} in \
                 PRIVATE_BACKENDS"
            );
            variables.problem("BACKENDS", &says);
        }
        list.fallback = variables.text("DEFAULT_BACKEND");
        if let Some(name) = list.fallback.as_deref().filter(|name| !list.has(name)) {
            variables.problem("DEFAULT_BACKEND", &format!("is {name:?}; it must be a name that BACKENDS lists"));
        }
        list
    }

    fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    fn add(&mut self, item: &str) -> Result<(), String> {
        let (name, place) = item.split_once('=').ok_or_else(|| format!("has an item without =; {FORM}"))?;
        let (name, place) = (name.trim(), place.trim());
        if !is_name(name) {
            return Err(format!(
                "has the name {name:?}; it must be 1 to 64 letters, digits, dots, hyphens and underscores"
            ));
        }
        if self.has(name) {
            return Err(format!("has the name {name:?} twice; give each back end its own"));
        }
        let place = Place::parse(place).map_err(|says| format!("has {name:?}, whose place {says}"))?;
        self.entries.push(Entry { name: name.to_owned(), place });
        Ok(())
    }

    fn open_private_network(&mut self, name: &str) -> Result<(), String> {
        match self.entries.iter_mut().find(|entry| entry.name == name).map(|entry| &mut entry.place) {
            Some(Place::Https { network, .. }) => {
                *network = Network::Any;
                Ok(())
            }
            Some(Place::Lambda { .. }) => Err(format!("has {name:?}, which is a Lambda function; take it out")),
            None => Err(format!("has {name:?}; it must be a name that BACKENDS lists")),
        }
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("arn:") {
            let says = "must be the ARN of a Lambda function, with a version or an alias or without";
            let function = is_function(text).then(|| text.to_owned()).ok_or(says)?;
            return Ok(Self::Lambda { function });
        }
        let base = text.trim_end_matches('/');
        let says = "must be https://host, with a port and a path or without, or the ARN of a Lambda function";
        let (host, path) = web_host(base).map(|rest| rest.split_once('/').unwrap_or((rest, ""))).ok_or(says)?;
        if !is_authority(host) {
            return Err(format!("{says}: no user, and a host of letters, digits, dots and hyphens"));
        }
        if !path.split('/').all(is_segment) && !path.is_empty() {
            return Err(format!("{says}: no query, nothing encoded, no dot segments and no empty ones"));
        }
        let network = if has_an_address(base) { Network::Any } else { Network::Public };
        Ok(Self::Https { base: base.to_owned(), network })
    }

    /// Without TLS nobody knows who answers under a name.
    fn is_plain_but_public(&self) -> bool {
        matches!(self, Self::Https { base, network: Network::Public } if base.starts_with("http://"))
    }
}

/// A route's record holds it to the same.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// `arn:<partition>:lambda:<region>:<account>:function:<name>[:<version or alias>]`
fn is_function(arn: &str) -> bool {
    let parts: Vec<_> = arn.split(':').collect();
    let plain =
        |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_$".contains(&b));
    matches!(parts.as_slice(), ["arn", _, "lambda", _, _, "function", _] | ["arn", _, "lambda", _, _, "function", _, _])
        && parts.iter().all(plain)
}

/// A name or an address, and a port or none.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, port)) if v6.parse::<std::net::Ipv6Addr>().is_ok() => {
            ("v6", port.strip_prefix(':').or_else(|| port.is_empty().then_some("443")))
        }
        Some(_) => return false,
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("443")),
        },
    };
    let port = port.filter(|port| port.bytes().all(|b| b.is_ascii_digit())).and_then(|port| port.parse::<u16>().ok());
    let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    named && port.is_some_and(|port| port > 0)
}

fn is_segment(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+;=:@".contains(&b);
    !matches!(text, "" | "." | "..") && text.bytes().all(plain)
}
