//! `Edge-Client`: what the edge says about the caller, a structured dictionary of strings.
//!
//! ```text
//! ip="203.0.113.7", ray="8f2c…-LHR", country="GB", host="api.example.com"
//! ```
//!
//! Read only after the signature over it has verified. `ip` is required; members that this version
//! does not know are ignored, so a newer edge may say more.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::IpAddr;

use sfv::visitor::{DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor};
use sfv::{BareItemFromInput, KeyRef, Parser, Version};

use crate::decision::Refusal;
use crate::limits;

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
        let members = Parser::new(header)
            .with_version(Version::Rfc8941)
            .parse_dictionary_with_visitor(Members::default())
            .map_err(|_| Refusal::EdgeClientMalformed)?;
        let [ip, ray, country, host] = members.values;
        match ip.as_deref().and_then(|text| text.parse::<IpAddr>().ok()) {
            Some(ip) if !members.wrong => Ok(Self { ip: ip.to_canonical(), ray, country, host }),
            _ => Err(Refusal::EdgeClientMalformed),
        }
    }
}

const NAMES: [&str; 4] = ["ip", "ray", "country", "host"];

#[derive(Default)]
struct Members<'r> {
    values: [Option<Cow<'r, str>>; NAMES.len()],
    /// A known member twice, or not a plain string.
    wrong: bool,
}

struct Member<'m, 'r> {
    members: &'m mut Members<'r>,
    index: Option<usize>,
}

impl<'r> DictionaryVisitor<'r> for Members<'r> {
    type Out = Self;
    type Error = Infallible;

    fn entry(&mut self, key: &'r KeyRef) -> Result<impl EntryVisitor<'r>, Infallible> {
        let index = NAMES.iter().position(|name| *name == key.as_str());
        self.wrong |= index.and_then(|i| self.values.get(i)).is_some_and(Option::is_some);
        Ok(Member { members: self, index })
    }

    fn finish(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl<'r> EntryVisitor<'r> for Member<'_, 'r> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'r>, Infallible> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'r>, Infallible> {
        self.members.wrong |= self.index.is_some();
        Ok(Ignored)
    }
}

impl<'r> ItemVisitor<'r> for Member<'_, 'r> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(self, item: BareItemFromInput<'r>) -> Result<impl ParameterVisitor<'r, Out = ()>, Infallible> {
        if let Some(slot) = self.index.and_then(|i| self.members.values.get_mut(i)) {
            match item {
                BareItemFromInput::String(text) => *slot = Some(into_str(text)),
                _ => self.members.wrong = true,
            }
        }
        Ok(Ignored)
    }
}

fn into_str(text: Cow<'_, sfv::StringRef>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_str()),
        Cow::Owned(text) => Cow::Owned(text.into()),
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
