//! The signature algorithms of the profile and their names in the IANA registry (RFC 9421 §6.2.2).
//!
//! Knows names only. Which algorithm applies is a property of the key (`key`), never of the message.

/// How the edge signs. The name is used as `alg` parameter, in secret values and in key records.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    HmacSha256,
    Ed25519,
    EcdsaP256Sha256,
}

impl Algorithm {
    pub const ALL: [Self; 3] = [Self::HmacSha256, Self::Ed25519, Self::EcdsaP256Sha256];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
        }
    }

    /// The registered name, byte for byte; `None` for any other, whatever its case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn every_name_reads_back_and_no_other_does() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.as_str()), Some(algorithm));
        }
        for name in ["", "HMAC-SHA256", "hmac-sha256 ", "none", "rsa-v1_5-sha256", "ecdsa-p384-sha384", "hs256"] {
            assert_eq!(Algorithm::parse(name), None, "{name:?}");
        }
    }
}
