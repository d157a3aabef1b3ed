//! What a deployment requires of a request: parsed once at start, wrong values refused by name.

use std::sync::Arc;

use crate::grant::GrantSet;
use crate::lifetimes::Lifetimes;
use crate::path_map::PathMap;

#[derive(Clone, Debug)]
pub struct Rules {
    pub require: Require,
    /// The proof that the edge may show; `None` where the deployment knows no edge.
    pub edge: Option<EdgeProof>,
    pub apis: Vec<ApiStage>,
    /// Lower-case hosts, with a port where it is not the default one.
    pub authorities: Vec<String>,
    pub path_map: PathMap,
    pub replay: Replay,
    /// What a caller without a credential may do; only with `Require::Edge`.
    pub anonymous: Arc<GrantSet>,
    /// The header that carries a raw API key where no edge signature does, lower-case.
    pub api_key_header: String,
    /// Seconds that API Gateway may reuse an answer; 0 wherever an edge's proof is accepted.
    pub result_ttl: u32,
    /// Only tests use another than the default.
    pub lifetimes: Lifetimes,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Require {
    EdgeAndCaller,
    Edge,
    Caller,
}

impl Require {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "edge+caller" => Some(Self::EdgeAndCaller),
            "edge" => Some(Self::Edge),
            "caller" => Some(Self::Caller),
            _ => None,
        }
    }

    pub const fn names_edge(self) -> bool {
        matches!(self, Self::EdgeAndCaller | Self::Edge)
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EdgeProof {
    Signature,
    Token,
    Either,
}

impl EdgeProof {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "signature" => Some(Self::Signature),
            "token" => Some(Self::Token),
            "either" => Some(Self::Either),
            _ => None,
        }
    }

    pub const fn takes_signature(self) -> bool {
        matches!(self, Self::Signature | Self::Either)
    }

    pub const fn takes_token(self) -> bool {
        matches!(self, Self::Token | Self::Either)
    }
}

/// Which requests must carry a nonce that is claimed once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Replay {
    /// Every method but GET, HEAD and OPTIONS.
    Unsafe,
    All,
    Off,
}

impl Replay {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "unsafe" => Some(Self::Unsafe),
            "all" => Some(Self::All),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    pub fn applies_to(self, method: &str) -> bool {
        match self {
            Self::Unsafe => !matches!(method, "GET" | "HEAD" | "OPTIONS"),
            Self::All => true,
            Self::Off => false,
        }
    }
}

/// One entry of `APIS`: `apiId/stage`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiStage {
    pub api_id: String,
    pub stage: String,
}

impl ApiStage {
    /// The characters that AWS allows in both; in particular nothing that is a wildcard in an ARN.
    pub fn parse(text: &str) -> Option<Self> {
        let (api_id, stage) = text.split_once('/')?;
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        (plain(api_id) && (stage == "$default" || plain(stage)))
            .then(|| Self { api_id: api_id.to_owned(), stage: stage.to_owned() })
    }
}
