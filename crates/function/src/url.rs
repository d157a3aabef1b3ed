//! URLs that an operator has configured. Refuses to know any that came with a request.

use countersign_https::Network;

/// What follows the scheme: the host and all after it. `None` for anything but http and https.
pub fn web_host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    (!rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic())).then_some(rest)
}

/// What may be reached under a URL: private addresses and plain http only where the URL itself says so.
pub fn network_of(url: &str) -> Network {
    if url.starts_with("http://") || has_an_address(url) { Network::Any } else { Network::Public }
}

/// Whether the host is written as an address: then it is not a name server that says where it leads.
pub fn has_an_address(url: &str) -> bool {
    let host = web_host(url).unwrap_or_default().split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_only_where_the_url_says_so() {
        for (url, network) in [
            ("https://api.example.com", Network::Public),
            ("https://localhost:8443", Network::Public),
            ("https://10.0.0.7", Network::Any),
            ("https://[fd00::1]:8443/x", Network::Any),
            ("http://127.0.0.1:8080", Network::Any),
            ("http://edge.test", Network::Any),
        ] {
            assert_eq!(network_of(url), network, "{url}");
        }
    }
}
