//! `Edge-Client`: what the edge says about the caller, a structured dictionary of strings.
//!
//! ```text
//! ip="203.0.113.7", ray="8f2c…-LHR", country="GB", host="api.example.com"
//! ```
//!
//! Read only after the signature over it has verified. `ip` is required; members that this version
//! does not know are ignored, so a newer edge may say more.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::decision::Refusal;
use crate::limits;
use crate::structured::{BareItem, Item, Malformed, Member, dictionary};

#[derive(Debug)]
pub struct EdgeClient<'r> {
    pub ip: IpAddr,
    pub ray: Option<Cow<'r, str>>,
    pub country: Option<Cow<'r, str>>,
    /// The host that the caller asked for, not the one that the edge fetched.
    pub host: Option<Cow<'r, str>>,
}

impl<'r> EdgeClient<'r> {
    pub fn parse(header: &'r str) -> Result<Self, Refusal> {
        if header.len() > limits::EDGE_CLIENT {
            return Err(Refusal::EdgeClientMalformed);
        }
        let [mut ip, mut ray, mut country, mut host] = [const { None }; 4];
        dictionary(header, |name, member| {
            let known = match name {
                "ip" => &mut ip,
                "ray" => &mut ray,
                "country" => &mut country,
                "host" => &mut host,
                _ => return Ok(()),
            };
            match known.replace(text(member)?) {
                None => Ok(()),
                Some(_) => Err(Malformed),
            }
        })
        .map_err(|Malformed| Refusal::EdgeClientMalformed)?;
        match ip.and_then(|text| text.parse::<IpAddr>().ok()) {
            Some(ip) => Ok(Self { ip: ip.to_canonical(), ray, country, host }),
            None => Err(Refusal::EdgeClientMalformed),
        }
    }
}

fn text(member: Member<'_>) -> Result<Cow<'_, str>, Malformed> {
    match member {
        Member::Item(Item { bare: BareItem::String(text), .. }) => Ok(text.unescaped()),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_edge_writes() {
        let client =
            EdgeClient::parse(r#"ip="203.0.113.7", ray="8f2c-LHR", country="GB", host="api.example.com", asn=64500"#)
                .unwrap();
        assert_eq!(client.ip, "203.0.113.7".parse::<IpAddr>().unwrap());
        assert_eq!(client.ray.as_deref(), Some("8f2c-LHR"));
        assert_eq!(client.country.as_deref(), Some("GB"));
        assert_eq!(client.host.as_deref(), Some("api.example.com"));
    }

    #[test]
    fn a_mapped_address_is_the_one_inside() {
        let client = EdgeClient::parse(r#"ip="::ffff:203.0.113.7""#).unwrap();
        assert_eq!(client.ip, "203.0.113.7".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn anything_else_is_malformed() {
        for header in [
            "",
            "ray=\"x\"",
            "ip=203.0.113.7",
            "ip=\"nowhere\"",
            "ip=\"1.2.3.4\", ip=\"5.6.7.8\"",
            "ip=(\"1.2.3.4\")",
            "ip=\"1.2.3.4\", ray=1",
            "ip=\"1.2.3.4\", ray=\"a\", ray=\"b\"",
            "ip=\"1.2.3.4\" ray",
            "ip=\"1.2.3.4\", host=(\"a\")",
        ] {
            assert!(EdgeClient::parse(header).is_err(), "{header}");
        }
        assert!(EdgeClient::parse(&format!("ip=\"1.2.3.4\", ray=\"{}\"", "a".repeat(600))).is_err());
    }
}
