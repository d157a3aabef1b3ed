//! Which addresses may be connected to.
//!
//! Whoever writes an issuer record could otherwise make a function fetch from the inside of its own
//! network. The address is checked where it is resolved for the connection, so a name that resolves
//! differently the second time gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

/// Where requests may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Network {
    /// Over TLS to public addresses.
    Public,
    /// Plain http and private addresses too: for tests, and for what an operator configured by hand.
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

    /// A host that is written as an address is never resolved, so it is checked here.
    pub(crate) fn check(self, url: &str) -> Result<(), String> {
        let authority = match url.split_once("://") {
            Some(("https", rest)) => rest,
            Some(("http", rest)) if self == Self::Any => rest,
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
            Ok(address) if self == Self::Public && !is_public(address) => {
                Err(format!("{url}: {address} is not a public address"))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Resolver(pub Network);

impl ResolveDns for Resolver {
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
            assert!(Network::Public.check(url).is_err(), "{url}");
        }
        assert!(Network::Public.check("https://issuer.example/jwks").is_ok());
        assert!(Network::Any.check("http://127.0.0.1:9/jwks").is_ok());
    }

    #[tokio::test]
    async fn a_name_is_judged_by_the_addresses_it_resolves_to() {
        assert!(Resolver(Network::Public).resolve_dns("localhost").await.is_err());
        assert!(Resolver(Network::Any).resolve_dns("localhost").await.is_ok());
    }
}
