//! Variables that more than one function reads: the same name, the same values, the same words.

use countersign_decision::signature::Algorithm;
use countersign_https::Network;

use crate::journal::Audit;
use crate::variables::Variables;

impl Variables<'_> {
    /// `KEY_TABLE`.
    pub fn key_table(&mut self) -> String {
        self.required("KEY_TABLE", "the name of the key table")
    }

    /// `SIGNING_ALGORITHM`.
    pub fn signing_algorithm(&mut self) -> Algorithm {
        let choices = "hmac-sha256, ed25519 or ecdsa-p256-sha256";
        self.choice("SIGNING_ALGORITHM", Algorithm::HmacSha256, Algorithm::parse, choices)
    }

    /// `API_KEY_HEADER`, in lower case.
    pub fn api_key_header(&mut self) -> String {
        let name = self.text("API_KEY_HEADER").unwrap_or_else(|| "x-api-key".to_owned()).to_ascii_lowercase();
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !plain
            || name.starts_with("edge-")
            || ["authorization", "host", "signature", "signature-input"].contains(&name.as_str())
        {
            let says = format!("is {name:?}; it must be a header name of its own, such as x-api-key");
            self.problem("API_KEY_HEADER", &says);
        }
        name
    }

    /// `AUDIT`.
    pub fn audit(&mut self) -> Audit {
        self.choice("AUDIT", Audit::All, Audit::parse, "all, refusals or sample:N with N of 1 or more")
    }

    /// `METRICS_NAMESPACE`.
    pub fn metrics_namespace(&self) -> String {
        self.text("METRICS_NAMESPACE").unwrap_or_else(|| "Countersign".to_owned())
    }

    /// `ISSUER_NETWORK`.
    pub fn issuer_network(&mut self) -> Network {
        self.choice("ISSUER_NETWORK", Network::Public, Network::parse, "public or, for tests only, any")
    }
}
