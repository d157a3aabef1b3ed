//! The keys of the vectors: published in RFC 9421 Appendix B.1 for tests, never to be used for more.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD as BASE64, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use countersign_tests::issuer::{Algorithm, SigningKey};
use countersign_tests::signer::EdgeKey;
use serde_json::{Value, json};

/// B.1.5, B.1.4 and B.1.3. The names are those of the RFC.
pub const HMAC: &str = "test-shared-secret";
pub const ED25519_KEY: &str = "test-key-ed25519";
pub const P256: &str = "test-key-ecc-p256";
/// The issuer's alone, as are the two above under these names.
const RSA: &str = "test-key-rsa";

const HMAC_BYTES: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
const ED25519_PKCS8: &str = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";
const ED25519_SPKI: &str = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
const P256_PKCS8: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUpuF81l+kOxbjf7T4mNSv0r5tN67Gim7rnf6EFpcYDuh\
    RANCAASohVhlUsKs9kcYeM/XsJNbT/4P0t/DQSSOoXvEHgWK8DHOJzfS0wzgYX6FHoPGHvVnnRUYZ2V2SQNdkKdM2ehd";
const P256_SPKI: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM\
    4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";

/// B.1.1, RSA of 2048 bits.
const RSA_PKCS1: &str = "MIIEqAIBAAKCAQEAhAKYdtoeoy8zcAcR874L8cnZxKzAGwd7v36APp7Pv6Q2jdsPBRrwWEBnez6d0UDKDwGbc6nxfEXAy5mbhgajzrw3MOEt8uA5\
    txSKobBpKDeBLOsdJKFqMGmXCQvEG7YemcxDTRPxAleIAgYYRjTSd/QBwVW9OwNFhekro3RtlinV0a75jfZgkne/YiktSvLG34lw2zqXBDTC5NHR\
    OUqGTlML4PlNZS5Ri2U4aCNx2rUPRcKIlE0PuKxI4T+HIaFpv8+rdV6eUgOrB2xeI1dSFFn/nnv5OoZJEIB+VmuKn3DCUcCZSFlQPSXSfBDiUGhw\
    Ow76WuSSsf1D4b/vLoJ10wIDAQABAoIBAG/JZuSWdoVHbi56vjgCgkjg3lkO1KrO3nrdm6nrgA9P9qaPjxuKoWaKO1cBQlE1pSWp/cKncYgD5WxE\
    CpAnRUXG2pG4zdkzCYzAh1i+c34L6oZoHsirK6oNcEnHveydfzJL5934egm6p8DW+m1RQ70yUt4uRc0YSor+q1LGJvGQHReF0WmJBZHrhz5e63Pq\
    7lE0gIwuBqL8SMaAyRXtK+JGxZpImTq+NHvEWWCu09SCq0r838ceQI55SvzmTkwqtC+8AT2zFviMZkKRQo6SPsrqItxZWRty2izawTF0Bf5S2VAx\
    7O+6t3wBsQ1sLptoSgX3QblELY5asI0JYFz7LJECgYkAsqeUJmqXE3LP8tYoIjMIAKiTm9o6psPlc8CrLI9CH0UbuaA2JCOMcCNq8SyYbTqgnWlB\
    9ZfcAm/cFpA8tYci9m5vYK8HNxQr+8FS3Qo8N9RJ8d0U5CswDzMYfRghAfUGwmlWj5hp1pQzAuhwbOXFtxKHVsMPhz1IBtF9Y8jvgqgYHLbmyiu1\
    mwJ5AL0pYF0G7x81prlARURwHo0Yf52kEw1dxpx+JXER7hQRWQki5/NsUEtv+8RTqn2m6qte5DXLyn83b1qRscSdnCCwKtKWUug5q2ZbwVOCJCtm\
    RwmnP131lWRYfj67B/xJ1ZA6X3GEf4sNReNAtaucPEelgR2nsN0gKQKBiGoqHWbK1qYvBxX2X3kbPDkv9C+celgZd2PW7aGYLCHq7nPbmfDV0yHc\
    WjOhXZ8jRMjmANVR/eLQ2EfsRLdW69bnf3ZD7JS1fwGnO3exGmHO3HZG+6AvberKYVYNHahNFEw5TsAcQWDLRpkGybBcxqZo81YCqlqidwfeO5Yt\
    lO7etx1xLyqa2NsCeG9A86UjG+aeNnXEIDk1PDK+EuiThIUa/2IxKzJKWl1BKr2d4xAfR0ZnEYuRrbeDQYgTImOlfW6/GuYIxKYgEKCFHFqJATAG\
    IxHrq1PDOiSwXd2GmVVYyEmhZnbcp8CxaEMQoevxAta0ssMK3w6UsDtvUvYvF22mqQKBiD5GwESzsFPy3Ga0MvZpn3D6EJQLgsnrtUPZx+z2Ep2x\
    0xc5orneB5fGyF1PWtP+fG5Q6Dpdz3LRfm+KwBCWFKQjg7uTxcjerhBWEYPmEMKYwTJF5PBG9/ddvHLQEQeNC8fHGg4UXU8mhHnSBt3EA10qQJfR\
    Ds15M38eG2cYwB1PZpDHScDnDA0=";

pub fn signing(keyid: &str) -> &'static EdgeKey {
    static KEYS: LazyLock<[EdgeKey; 3]> = LazyLock::new(|| {
        [
            EdgeKey::hmac(HMAC, &bytes(HMAC_BYTES)),
            EdgeKey::ed25519(ED25519_KEY, Some(&bytes(ED25519_PKCS8))),
            EdgeKey::p256(P256, Some(&bytes(P256_PKCS8))),
        ]
    });
    KEYS.iter().find(|key| key.keyid() == keyid).unwrap()
}

/// What an issuer signs tokens with.
pub fn issuing(algorithm: Algorithm) -> &'static SigningKey {
    static KEYS: LazyLock<[SigningKey; 4]> = LazyLock::new(|| {
        [
            SigningKey::read(RSA, Algorithm::Rs256, &bytes(RSA_PKCS1)),
            SigningKey::read(RSA, Algorithm::Ps256, &bytes(RSA_PKCS1)),
            SigningKey::read(P256, Algorithm::Es256, &bytes(P256_PKCS8)),
            SigningKey::read(ED25519_KEY, Algorithm::EdDsa, &bytes(ED25519_PKCS8)),
        ]
    });
    KEYS.iter().find(|key| key.algorithm() == algorithm).unwrap()
}

/// As the files describe a key: `secret` as raw bytes for HMAC, else PKCS#8; `public_key` as SPKI.
pub fn described(keyid: &str) -> Value {
    let (alg, secret, public) = match keyid {
        HMAC => ("hmac-sha256", HMAC_BYTES, None),
        ED25519_KEY => ("ed25519", ED25519_PKCS8, Some(ED25519_SPKI)),
        _ => ("ecdsa-p256-sha256", P256_PKCS8, Some(P256_SPKI)),
    };
    let url = |text: &str| BASE64URL.encode(bytes(text));
    json!({ "keyid": keyid, "alg": alg, "secret": url(secret), "public_key": public.map(url) })
}

/// Whether `signature`, as standard base64, is one over `base`.
pub fn verify(keyid: &str, base: &[u8], signature: &str) -> bool {
    let signature = bytes(signature);
    // The key itself is the end of its SPKI.
    let public = |algorithm: &'static dyn VerificationAlgorithm, spki: &str, length: usize| {
        let spki = bytes(spki);
        let key = spki.split_at(spki.len() - length).1.to_vec();
        UnparsedPublicKey::new(algorithm, key).verify(base, &signature).is_ok()
    };
    match keyid {
        HMAC => hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &bytes(HMAC_BYTES)), base, &signature).is_ok(),
        ED25519_KEY => public(&ED25519, ED25519_SPKI, 32),
        _ => public(&ECDSA_P256_SHA256_FIXED, P256_SPKI, 65),
    }
}

/// The same signature but for one bit.
pub fn flip(signature: &str, bit: usize) -> String {
    let mut signature = bytes(signature);
    signature[bit / 8] ^= 1 << (bit % 8);
    BASE64.encode(signature)
}

fn bytes(base64: &str) -> Vec<u8> {
    BASE64.decode(base64).unwrap()
}
