//! What a decision learned on its way, for the audit line: never a credential, never a raw header.

use std::net::IpAddr;
use std::sync::Arc;

use crate::edge_client::EdgeClient;
use crate::limits;
use crate::record::key::KeyRecord;
use crate::token::VerifiedToken;

#[derive(Default)]
pub struct Evidence<'r> {
    /// As claimed; it verified only if the decision got past the signature.
    pub edge_keyid: Option<&'r str>,
    /// Present only when the edge's signature over it verified.
    pub client: Option<EdgeClient<'r>>,
    /// The gateway's view of the peer.
    pub source_ip: Option<IpAddr>,
    /// The record under which the caller's key was found, usable or not.
    pub key: Option<Arc<KeyRecord>>,
    /// The issuer that the caller's token names; it verified only if `token` is there.
    pub issuer: Option<String>,
    pub token: Option<Box<VerifiedToken>>,
    /// Who was let this far, `anonymous` and `edge` among them.
    pub principal: Option<String>,
    /// What an operator needs to mend it: both sides of a disagreement, or the setting to change.
    pub detail: Option<String>,
}

impl Evidence<'_> {
    pub(super) fn say(&mut self, detail: impl FnOnce() -> String) {
        self.detail = Some(bounded(detail()));
    }

    /// The caller's own address: as the edge signed it, else as the gateway saw it.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.client.as_ref().map(|client| client.ip).or(self.source_ip)
    }
}

/// Details quote what callers wrote, so they are cut; an operator's line to copy fits well inside.
fn bounded(mut detail: String) -> String {
    let mut end = detail.len().min(4 * limits::QUOTED);
    while !detail.is_char_boundary(end) {
        end -= 1;
    }
    detail.truncate(end);
    detail
}
