//! Fetching an issuer's documents: HTTPS only, public addresses only, no redirects, bounded bodies.
//!
//! Whoever writes an issuer record could otherwise make the function fetch from the inside of its
//! own network. The address is checked where it is resolved for the connection, so a name that
//! resolves differently the second time gains nothing. The SDK's HTTP client is used, so that there
//! is one TLS stack and one set of root certificates.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use countersign_decision::limits;

/// Where an issuer's documents may come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Network {
    Public,
    /// Plain http and private addresses too: for tests.
    Any,
}

impl Network {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "public" => Some(Self::Public),
            "any" => Some(Self::Any),
            _ => None,
        }
    }
}

pub struct Https {
    network: Network,
    connector: Connector,
}

impl Https {
    /// Reads the root certificates, which takes milliseconds: at start, not in a request.
    pub fn new(network: Network) -> Self {
        let connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_with_resolver(PublicOnly(network));
        Self { network, connector }
    }

    /// One GET. `Err` says for the operator why there is no body.
    pub async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        self.check(url)?;
        let mut request = HttpRequest::empty();
        request.set_uri(url).map_err(|_| format!("{url}: not a URL"))?;
        request.headers_mut().insert("accept", "application/json");
        let mut response = self.connector.call(request).await.map_err(|error| format!("{url}: {error:?}"))?;
        if response.status().as_u16() != 200 {
            return Err(format!("{url}: status {}", response.status().as_u16()));
        }
        let mut stream = ByteStream::new(response.take_body());
        let mut body = Vec::new();
        while let Some(chunk) = stream.try_next().await.map_err(|error| format!("{url}: {error}"))? {
            if body.len() + chunk.len() > limits::JWKS_BODY {
                return Err(format!("{url}: larger than {} bytes", limits::JWKS_BODY));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// A host that is written as an address is never resolved, so it is checked here.
    fn check(&self, url: &str) -> Result<(), String> {
        let authority = match url.split_once("://") {
            Some(("https", rest)) => rest,
            Some(("http", rest)) if self.network == Network::Any => rest,
            _ => return Err(format!("{url}: must be an https URL")),
        };
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.contains('@') {
            return Err(format!("{url}: must have a host and no user"));
        }
        let host = match authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        match host.parse::<IpAddr>() {
            Ok(address) if self.network == Network::Public && !is_public(address) => {
                Err(format!("{url}: {address} is not a public address"))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug)]
struct PublicOnly(Network);

impl ResolveDns for PublicOnly {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let addresses = found.map(|address| address.ip());
            let allowed: Vec<IpAddr> = addresses.filter(|ip| self.0 == Network::Any || is_public(*ip)).collect();
            if allowed.is_empty() {
                return Err(ResolveDnsError::new(format!("{name} has no public address")));
            }
            Ok(allowed)
        })
    }
}

/// Globally reachable unicast, by IANA's special-purpose registries; unlisted space counts as not.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99);
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64: the IPv4 address inside decides.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Teredo and the other protocol assignments, documentation, 6to4.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x2002, ..] => false,
        [first, ..] => (0x2000..0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "203.0.113.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2001:db8::1",
            "2002:a00:1::",
            "2001::1",
            "ff02::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))), "{address}");
        }
        for address in
            ["8.8.8.8", "1.1.1.1", "100.128.0.1", "2606:4700::1111", "2001:4860:4860::8888", "64:ff9b::808:808"]
        {
            assert!(address.parse().is_ok_and(is_public), "{address}");
        }
    }

    #[test]
    fn urls_that_are_never_fetched() {
        let public = Https::new(Network::Public);
        for url in [
            "http://issuer.example/",
            "ftp://issuer.example/",
            "issuer.example",
            "https://",
            "https://u@issuer.example/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/latest",
            "https://[::ffff:10.0.0.1]:8443/",
        ] {
            assert!(public.check(url).is_err(), "{url}");
        }
        assert!(public.check("https://issuer.example/jwks").is_ok());
        assert!(Https::new(Network::Any).check("http://127.0.0.1:9/jwks").is_ok());
    }
}
