//! Records of the key table, as they are stored and as they are judged.
//!
//! Here is what their attributes have in common.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::limits;

pub mod issuer;
pub mod key;
pub mod route;

/// What a name on a deploy-time list looks like: a tier, an origin, a back end.
pub(crate) const LABEL: &str = "must be 1 to 64 letters, digits, dots, hyphens or underscores";

pub(crate) fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// The address blocks of one attribute. A single address is a block of one.
fn blocks(attribute: &str, texts: &[String]) -> Result<Vec<IpNet>, String> {
    if texts.len() > limits::CIDRS {
        return Err(format!("{attribute} has more than {} blocks", limits::CIDRS));
    }
    texts.iter().map(|text| block(text).map_err(|what| format!("{attribute}: {text:?} {what}"))).collect()
}

/// An IPv4-mapped IPv6 block means the IPv4 block inside it.
fn block(text: &str) -> Result<IpNet, String> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let net = net.map_err(|_| "is not an address block such as 203.0.113.0/24")?;
    if let IpNet::V6(v6) = net
        && let (Some(v4), Some(prefix)) = (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96))
    {
        return ipnet::Ipv4Net::new(v4, prefix).map(IpNet::V4).map_err(|error| error.to_string());
    }
    Ok(net)
}
