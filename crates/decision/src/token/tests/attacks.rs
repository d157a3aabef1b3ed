//! Attacks that have worked on others, by name: RFC 8725 §2, the exploit set of jwt_tool, advisories.
//!
//! Wrong types of times are in `claims`, doubled names in `header`, hostile key sets in `keys`, floods
//! of made-up key names in the tests of the cache.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{AUDIENCE, EDDSA, ES256, RS256, Signer, Trial, b64, claims, good, header, key_set, record, with};
use crate::decision::Refusal;

fn refusal(token: &str) -> Option<Refusal> {
    Trial::default().refusal(token)
}

/// A token without a key of the issuer's: header and signature are the attacker's.
fn forged(header: &Value, signature: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims().to_string().as_bytes()));
    let signature = signature(message.as_bytes());
    format!("{message}.{}", b64(&signature))
}

fn hs256(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

#[test]
fn alg_none_in_any_spelling() {
    for alg in ["none", "None", "NONE", "nOnE", "none ", "\u{0}none", "", "null"] {
        for kid in [json!("ES256"), json!(null)] {
            let header = with(header("ES256"), json!({"alg": alg, "kid": kid}));
            assert_eq!(refusal(&forged(&header, |_| Vec::new())), Some(Refusal::TokenAlgorithm), "{alg:?}");
            assert_eq!(refusal(&forged(&header, |_| vec![0; 64])), Some(Refusal::TokenAlgorithm), "{alg:?}");
        }
    }
}

#[test]
fn empty_signature() {
    for (alg, _) in super::signers() {
        assert_eq!(refusal(&forged(&header(alg), |_| Vec::new())), Some(Refusal::TokenSignature), "{alg}");
    }
    let token = good();
    assert_eq!(refusal(token.rsplit_once('.').unwrap().0), Some(Refusal::TokenMalformed), "without its dot");
}

#[test]
fn blank_hmac_password() {
    for alg in ["HS256", "HS384", "HS512"] {
        let header = with(header("ES256"), json!({"alg": alg}));
        assert_eq!(refusal(&forged(&header, hs256(b""))), Some(Refusal::TokenAlgorithm), "{alg}");
    }
}

#[test]
fn weak_secrets_of_a_dictionary() {
    for secret in ["secret", "password", "changeme", "your-256-bit-secret", "jwt", ""] {
        let header = with(header("RS256"), json!({"alg": "HS256"}));
        assert_eq!(refusal(&forged(&header, hs256(secret.as_bytes()))), Some(Refusal::TokenAlgorithm), "{secret}");
    }
}

/// The public key as the secret of an HMAC, in every form an attacker can build from the JWK.
#[test]
fn public_key_as_hmac_secret() {
    let Signer::Rsa(pair, _) = &*RS256 else { unreachable!() };
    let pkcs1 = pair.public_key().as_ref().to_vec();
    let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap().as_ref().to_vec();
    let pem = |label: &str, der: &[u8]| {
        let body = STANDARD.encode(der);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"))
    };
    let (pem_pkcs1, pem_spki) = (pem("RSA PUBLIC KEY", &pkcs1), pem("PUBLIC KEY", &spki));
    let jwk = RS256.jwk();
    let secrets = [
        pkcs1,
        spki,
        pem_pkcs1.clone().into_bytes(),
        format!("{pem_pkcs1}\n").into_bytes(),
        pem_spki.clone().into_bytes(),
        format!("{pem_spki}\n").into_bytes(),
        jwk.to_string().into_bytes(),
        jwk["n"].as_str().unwrap().as_bytes().to_vec(),
    ];
    for secret in secrets {
        for typ in ["HS256", "RS256"] {
            let header = with(header("RS256"), json!({"alg": typ}));
            let expected = if typ == "HS256" { Refusal::TokenAlgorithm } else { Refusal::TokenSignature };
            assert_eq!(refusal(&forged(&header, hs256(&secret))), Some(expected));
        }
    }
}

/// CVE-2022-21449: r and s of zero, or other values that a careless verifier finds equal.
#[test]
fn psychic_signature() {
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&order[2 * i..2 * i + 2], 16).unwrap()).collect();
    let one = {
        let mut one = vec![0; 32];
        one[31] = 1;
        one
    };
    let values = [vec![0; 32], one, order, vec![0xff; 32]];
    for r in &values {
        for s in &values {
            assert_eq!(
                refusal(&forged(&header("ES256"), |_| [r.as_slice(), s].concat())),
                Some(Refusal::TokenSignature)
            );
        }
    }
    // The same in ASN.1, which JWS does not use.
    assert_eq!(refusal(&forged(&header("ES256"), |_| vec![0x30, 6, 2, 1, 0, 2, 1, 0])), Some(Refusal::TokenSignature));
}

#[test]
fn a_good_ecdsa_signature_in_asn1() {
    let Signer::Ec(pair, _) = &*ES256 else { unreachable!() };
    let integer = |bytes: &[u8]| {
        let mut bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        [&[2, u8::try_from(bytes.len()).unwrap()], bytes.as_slice()].concat()
    };
    let asn1 = |message: &[u8]| {
        let fixed = pair.sign(&aws_lc_rs::rand::SystemRandom::new(), message).unwrap();
        let body = [integer(&fixed.as_ref()[..32]), integer(&fixed.as_ref()[32..])].concat();
        [&[0x30, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
    };
    assert_eq!(refusal(&forged(&header("ES256"), asn1)), Some(Refusal::TokenSignature));
}

#[test]
fn keys_that_the_token_brings_along() {
    let Signer::Ec(..) = &*ES256 else { unreachable!() };
    let attacker = Signer::Ed(aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap());
    let jwk = with(attacker.jwk(), json!({"kid": "EdDSA", "alg": "EdDSA"}));
    for header_parameter in [
        json!({"jwk": jwk}),
        json!({"jku": "https://evil.example/jwks.json"}),
        json!({"jku": "https://issuer.example.com/.well-known/jwks.json"}),
        json!({"x5u": "https://evil.example/cert.pem"}),
        json!({"x5c": ["MIIB"]}),
        json!({"jwk": {}}),
        json!({"jku": 1}),
    ] {
        let token = attacker.mint(with(header("EdDSA"), header_parameter.clone()).to_string(), claims().to_string());
        assert_eq!(refusal(&token), Some(Refusal::TokenHeader), "{header_parameter}");
        // Even with a good signature: a token that carries one is not for us.
        let token = EDDSA.mint(with(header("EdDSA"), header_parameter).to_string(), claims().to_string());
        assert_eq!(refusal(&token), Some(Refusal::TokenHeader));
    }
}

#[test]
fn extensions_that_are_not_understood() {
    for parameter in [
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": ["http://example.com/unknown"]}),
        json!({"crit": []}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"b64": false}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"enc": "A256GCM"}),
        json!({"cty": "JWT"}),
        json!({"epk": {}}),
    ] {
        let token = ES256.mint(with(header("ES256"), parameter.clone()).to_string(), claims().to_string());
        assert_eq!(refusal(&token), Some(Refusal::TokenHeader), "{parameter}");
    }
    // Certificate thumbprints and unknown parameters are ignored, as RFC 7515 §4 asks.
    let harmless = with(header("ES256"), json!({"x5t": "AA", "x5t#S256": "AA", "nonce": "n", "x": {"y": []}}));
    assert_eq!(refusal(&ES256.mint(harmless.to_string(), claims().to_string())), None);
}

#[test]
fn nested_token() {
    let inner = good();
    for payload in [inner.clone(), json!(inner).to_string(), json!({"iss": super::ISSUER, "jwt": inner}).to_string()] {
        let token = ES256.mint(header("ES256").to_string(), payload);
        assert!(matches!(refusal(&token), Some(Refusal::TokenMalformed | Refusal::TokenClaims)));
    }
}

#[test]
fn kid_as_a_path_a_query_or_a_null_device() {
    let long = "k".repeat(4000);
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "x' UNION SELECT 'secret",
        "| whoami",
        "ES256\u{0}",
        "es256",
        "ES256 ",
        "",
        &long,
    ] {
        for signature in [hs256(b""), hs256(b"secret")] {
            let forged = forged(&with(header("ES256"), json!({"kid": kid})), signature);
            assert_eq!(refusal(&forged), Some(Refusal::TokenKeyUnknown), "{kid:?}");
        }
    }
}

/// A key of the issuer's under another of its algorithms, or under another key's name.
#[test]
fn keys_and_algorithms_do_not_mix() {
    for (alg, signer) in super::signers() {
        for (other, _) in super::signers() {
            if alg == other {
                continue;
            }
            let other_alg = signer.mint(with(header(alg), json!({"alg": other})).to_string(), claims().to_string());
            assert_eq!(refusal(&other_alg), Some(Refusal::TokenAlgorithm), "key {alg}, alg {other}");
            let other_kid = signer.mint(with(header(alg), json!({"kid": other})).to_string(), claims().to_string());
            assert_eq!(refusal(&other_kid), Some(Refusal::TokenAlgorithm), "alg {alg}, key {other}");
        }
    }
}

#[test]
fn an_algorithm_that_the_issuer_does_not_use() {
    let trial = Trial { record: record(json!({"algorithms": ["RS256", "EdDSA"]})), ..Trial::default() };
    for (alg, signer) in super::signers() {
        let token = signer.mint(header(alg).to_string(), claims().to_string());
        let expected = if ["RS256", "EdDSA"].contains(&alg) { None } else { Some(Refusal::TokenAlgorithm) };
        assert_eq!(trial.refusal(&token), expected, "{alg}");
    }
}

#[test]
fn another_tenant_of_the_same_issuer() {
    let trial = Trial { record: record(json!({"required_claims": {"tid": "tenant-a"}})), ..Trial::default() };
    assert_eq!(trial.claims(json!({"tid": "tenant-a"})).err(), None);
    assert_eq!(trial.claims(json!({"tid": "tenant-b"})).err(), Some(Refusal::TokenRequiredClaim));
    assert_eq!(trial.claims(json!({})).err(), Some(Refusal::TokenRequiredClaim));
    assert_eq!(
        trial.claims(json!({"iss": format!("{}/tenant-b", super::ISSUER), "tid": "tenant-a"})).err(),
        Some(Refusal::TokenIssuerUnknown)
    );
}

/// Its audience is the client, not the API; and an issuer that types its access tokens is held to it.
#[test]
fn id_token_as_access_token() {
    let id_token = |typ| {
        let claims = with(claims(), json!({"aud": "client-1", "nonce": "n", "at_hash": "h"}));
        ES256.mint(with(header("ES256"), json!({"typ": typ})).to_string(), claims.to_string())
    };
    assert_eq!(refusal(&id_token("JWT")), Some(Refusal::TokenAudience));
    let careless = json!({"audiences": ["client-1", AUDIENCE], "token_types": ["at+jwt"]});
    let trial = Trial { record: record(careless), ..Trial::default() };
    assert_eq!(trial.refusal(&id_token("JWT")), Some(Refusal::TokenType));
    assert_eq!(
        trial.refusal(&ES256.mint(r#"{"alg":"ES256","kid":"ES256"}"#, claims().to_string())),
        Some(Refusal::TokenType)
    );
    assert_eq!(trial.refusal(&good()), None);
}

/// The signature belongs to one header and one payload.
#[test]
fn parts_of_two_good_tokens() {
    let (alice, bob) =
        (good(), ES256.mint(header("ES256").to_string(), with(claims(), json!({"sub": "bob"})).to_string()));
    let (alice, bob): (Vec<_>, Vec<_>) = (alice.split('.').collect(), bob.split('.').collect());
    assert_eq!(refusal(&[alice[0], bob[1], alice[2]].join(".")), Some(Refusal::TokenSignature));
    assert_eq!(refusal(&[alice[0], alice[1], bob[2]].join(".")), Some(Refusal::TokenSignature));
}

#[test]
fn the_set_of_another_issuer() {
    let stranger = Signer::Ed(aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap());
    let token = stranger.mint(header("EdDSA").to_string(), claims().to_string());
    assert_eq!(Trial { keys: key_set(), ..Trial::default() }.refusal(&token), Some(Refusal::TokenSignature));
}
