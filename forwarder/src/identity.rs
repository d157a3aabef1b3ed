//! Who the caller is, as the authorizer verified it: the context that API Gateway hands on.
//!
//! The only source of identity; no header is ever believed instead. What is not text is not ours: REST
//! APIs add a latency, other kinds of authorizers add claims.

use std::borrow::Cow;
use std::net::IpAddr;

use countersign_decision::limits;
use countersign_function::lines::Text;
use serde_json::value::RawValue;

use crate::event::Unreadable;
use crate::event::json::Members;

/// There is one only where our authorizer has said who the caller is.
pub struct Identity<'a> {
    entries: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Identity<'a> {
    /// `authorizer`: the member of `requestContext`. HTTP APIs put a Lambda authorizer's entries under
    /// `lambda` in it. `None`: none of this is an authorizer's of ours.
    ///
    /// # Errors
    /// [`Unreadable`] if it is no object, or has a name twice.
    pub fn read(authorizer: &'a RawValue) -> Result<Option<Self>, Unreadable> {
        let members = members(authorizer)?;
        let nested = members.iter().find(|(name, value)| name == "lambda" && value.get().starts_with('{'));
        let members = match nested {
            Some((_, lambda)) => self::members(lambda)?,
            None => members,
        };
        let mut entries = Vec::with_capacity(members.len());
        for (name, value) in members.into_iter().filter(|(_, value)| value.get().starts_with('"')) {
            let Text(value) = serde_json::from_str(value.get())?;
            entries.push((name, value));
        }
        let identity = Self { entries };
        Ok(identity.principal().is_some().then_some(identity))
    }

    /// An entry by its name, a key's own among them.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    pub fn principal(&self) -> Option<&str> {
        self.get("principal")
    }

    /// There is one only where the edge's signature over the request verified.
    pub fn edge_keyid(&self) -> Option<&str> {
        self.get("edge_keyid")
    }

    /// The caller's own address; unknown where the edge proved nothing about the request.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.get("client_ip")?.parse().ok().map(|ip: IpAddr| ip.to_canonical())
    }

    /// The host that the caller asked the edge for.
    pub fn client_host(&self) -> Option<&str> {
        self.get("client_host")
    }

    pub fn ray(&self) -> Option<&str> {
        self.get("ray")
    }

    /// The value of the `Content-Digest` header that the edge's signature covers.
    pub fn content_digest(&self) -> Option<&str> {
        self.get("content_digest")
    }

    /// Whether the edge itself asks, for itself.
    pub fn is_inside(&self) -> bool {
        self.get("inside") == Some("true")
    }
}

/// The members of an object, each name once, and no more of them than a context of ours can have.
fn members(object: &RawValue) -> Result<Vec<(Cow<'_, str>, &RawValue)>, Unreadable> {
    let Members(members) = serde_json::from_str(object.get())?;
    if members.len() > limits::CONTEXT_ENTRIES {
        return Err(Unreadable::new("the authorizer's context has more entries than one of ours can have"));
    }
    let mut names: Vec<_> = members.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| matches!(pair, [name, next] if name == next)) {
        return Err(Unreadable::new("the authorizer's context has a name twice"));
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read<T>(json: &str, then: impl Fn(Option<Identity<'_>>) -> T) -> T {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        then(Identity::read(raw).unwrap())
    }

    #[test]
    fn entries_lie_flat_or_under_lambda() {
        for json in [
            r#"{"principal":"acme","key_id":"k1","principalId":"acme","integrationLatency":12}"#,
            r#"{"lambda":{"principal":"acme","key_id":"k1"}}"#,
            r#"{"principal":"acme","key_id":"k1","lambda":"a key's own entry"}"#,
            r#"{"jwt":null,"lambda":{"principal":"acme","key_id":"k1","nothing":null}}"#,
        ] {
            read(json, |identity| {
                let identity = identity.unwrap();
                assert_eq!((identity.principal(), identity.get("key_id")), (Some("acme"), Some("k1")), "{json}");
                assert!(!identity.is_inside());
            });
        }
    }

    #[test]
    fn without_a_principal_there_is_nobody() {
        for json in [
            "{}",
            r#"{"principalId":"acme"}"#,
            r#"{"principal":null}"#,
            r#"{"principal":["acme"]}"#,
            r#"{"inside":"true"}"#,
            r#"{"claims":{"principal":"acme"}}"#,
            r#"{"jwt":{"claims":null,"scopes":null},"iam":{"principal":"acme"}}"#,
            r#"{"principal":"acme","lambda":{}}"#,
        ] {
            read(json, |identity| assert!(identity.is_none(), "{json}"));
        }
    }

    #[test]
    fn only_the_text_true_is_inside() {
        for (value, inside) in [("\"true\"", true), ("true", false), ("\"1\"", false), ("\"TRUE\"", false)] {
            let json = format!(r#"{{"principal":"edge","inside":{value}}}"#);
            read(&json, |identity| assert_eq!(identity.unwrap().is_inside(), inside, "{value}"));
        }
    }

    #[test]
    fn nothing_counts_twice_and_nothing_else_is_read() {
        for json in [
            r#"{"principal":"acme","principal":"root"}"#,
            r#"{"principal":"acme","inside":false,"inside":"true"}"#,
            r#"{"lambda":{"principal":"acme","inside":"true","inside":"false"}}"#,
            r#"{"lambda":{"principal":"acme"},"lambda":{"principal":"root"}}"#,
            r#"{"lambda":"none","lambda":{"principal":"root"}}"#,
            r#""acme""#,
            "[]",
            "7",
        ] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert!(Identity::read(raw).is_err(), "{json}");
        }
        let many: Vec<_> = (0..=limits::CONTEXT_ENTRIES).map(|n| format!("\"n{n}\":\"\"")).collect();
        let many = format!("{{{}}}", many.join(","));
        let raw: &RawValue = serde_json::from_str(&many).unwrap();
        assert!(Identity::read(raw).is_err());
    }

    #[test]
    fn a_mapped_address_is_the_one_inside() {
        read(r#"{"principal":"a","client_ip":"::ffff:203.0.113.7"}"#, |identity| {
            assert_eq!(identity.unwrap().client_ip(), "203.0.113.7".parse().ok());
        });
        read(r#"{"principal":"a","client_ip":"nowhere"}"#, |identity| {
            assert_eq!(identity.unwrap().client_ip(), None);
        });
    }
}
