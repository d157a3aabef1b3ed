//! No bit of a token can change, and nothing that is thrown at the reader makes it panic.

use proptest::prelude::*;
use serde_json::json;

use super::{Trial, b64, claims, header, signers};
use crate::decision::Refusal;
use crate::token::{KeySet, Unverified};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[test]
fn every_bit_of_every_signature_counts() {
    let trial = Trial::default();
    for (alg, signer) in signers() {
        let token = signer.mint(header(alg).to_string(), claims().to_string());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for bit in 0..signature.len() * 8 {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let token = format!("{message}.{}", b64(&flipped));
            assert_eq!(trial.refusal(&token), Some(Refusal::TokenSignature), "{alg}, bit {bit}");
        }
        for other_length in [
            &signature[1..],
            &signature[..signature.len() - 1],
            &[&signature[..], &[0]].concat(),
            &[&[0], &signature[..]].concat(),
        ] {
            assert_eq!(
                trial.refusal(&format!("{message}.{}", b64(other_length))),
                Some(Refusal::TokenSignature),
                "{alg}"
            );
        }
    }
}

#[test]
fn every_bit_of_header_and_payload_counts() {
    let trial = Trial::default();
    for (alg, signer) in signers() {
        let token = signer.mint(header(alg).to_string(), claims().to_string());
        let (message, signature) = token.rsplit_once('.').unwrap();
        for bit in 0..message.len() * 8 {
            let mut flipped = message.as_bytes().to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // What is not UTF-8 cannot be a header's value in the event.
            let Ok(flipped) = String::from_utf8(flipped) else { continue };
            assert!(trial.run(&format!("{flipped}.{signature}")).is_err(), "{alg}, bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in any::<String>(), header in any::<Vec<u8>>(), payload in any::<Vec<u8>>()) {
        let _ = Unverified::read(&text);
        let _ = Unverified::read(&format!("{}.{}.{}", b64(&header), b64(&payload), b64(b"s")));
        let _ = KeySet::parse(text.as_bytes());
        let _ = KeySet::parse(json!({"keys": [text, {"kty": "RSA", "n": text}, null]}).to_string().as_bytes());
    }

    #[test]
    fn any_json_is_judged_without_a_panic(
        name in "alg|kid|typ|crit|iss|aud|sub|exp|nbf|iat|scope|scp|[a-z]{1,8}",
        value in "null|true|-?[0-9]{1,24}|[0-9]\\.[0-9]e[0-9]{1,3}|\"[ -!#-\\[\\]-~]{0,40}\"|\\[\\]|\\[1,\"a\"\\]|\\{\"a\":\\{\\}\\}",
    ) {
        let spoil = |json: serde_json::Value| json.to_string().replacen('{', &format!("{{\"{name}\":{value},"), 1);
        let signer = &*super::EDDSA;
        // One more member that nobody asked for is ignored; one that is there already never is.
        let header_spoilt = signer.mint(spoil(header("EdDSA")), claims().to_string());
        prop_assert!(Trial::default().run(&header_spoilt).is_err() || header("EdDSA").get(&name).is_none());
        let claims_spoilt = signer.mint(header("EdDSA").to_string(), spoil(claims()));
        if Trial::default().run(&claims_spoilt).is_ok() {
            prop_assert!(claims().get(&name).is_none());
            prop_assert!(super::jsonwebtoken_believes(&claims_spoilt, "EdDSA", signer));
        }
    }
}
