//! The outside of a token: its parts, their spelling, and what a header may say.

use serde_json::{Value, json};

use super::{ES256, Trial, b64, claims, good, header, with};
use crate::decision::Refusal;
use crate::limits;
use crate::token::Unverified;

fn refusal(token: &str) -> Option<Refusal> {
    Trial::default().refusal(token)
}

fn with_header(changes: Value) -> Option<Refusal> {
    refusal(&ES256.mint(with(header("ES256"), changes).to_string(), claims().to_string()))
}

fn with_raw_header(header: impl AsRef<[u8]>) -> Option<Refusal> {
    refusal(&ES256.mint(header, claims().to_string()))
}

fn with_raw_payload(payload: impl AsRef<[u8]>) -> Option<Refusal> {
    refusal(&ES256.mint(header("ES256").to_string(), payload))
}

#[test]
fn exactly_three_parts() {
    let good = good();
    let (two, signature) = good.rsplit_once('.').unwrap();
    for token in
        ["", ".", "..", "...", two, &format!("{good}."), &format!(".{good}"), &format!("{two}.{signature}.{signature}")]
    {
        assert_eq!(refusal(token), Some(Refusal::TokenMalformed), "{token:?}");
    }
    // The five parts of an encrypted token (JWE).
    assert_eq!(refusal(&format!("{good}.{signature}.{signature}")), Some(Refusal::TokenMalformed));
}

#[test]
fn one_spelling_only() {
    let token = good();
    let parts: Vec<&str> = token.split('.').collect();
    for (index, part) in parts.iter().enumerate() {
        for spoilt in [
            format!("{part}="),
            format!("{part}=="),
            format!(" {part}"),
            format!("{part}\n"),
            part.replacen(&part[..1], "+", 1),
            part.replacen(&part[..1], "é", 1),
            format!("{part}%3D"),
        ] {
            let mut parts = parts.clone();
            parts[index] = &spoilt;
            assert_eq!(refusal(&parts.join(".")), Some(Refusal::TokenMalformed), "{spoilt:?}");
        }
    }
    // 64 bytes leave four unused bits in the last character of the signature: they must be zero.
    let last = token.chars().last().unwrap();
    assert!("AQgw".contains(last));
    let stray = format!("{}{}", &token[..token.len() - 1], char::from(u8::try_from(last).unwrap() + 1));
    assert_eq!(refusal(&stray), Some(Refusal::TokenMalformed));
}

#[test]
fn the_size_is_bounded() {
    assert_eq!(refusal(&"a".repeat(limits::TOKEN + 1)), Some(Refusal::TokenTooLarge));
    assert_eq!(refusal(&"a".repeat(limits::TOKEN)), Some(Refusal::TokenMalformed));
}

#[test]
fn header_and_payload_are_strict_json_objects() {
    let good_header = header("ES256").to_string();
    let good_claims = claims().to_string();
    for spoil in [
        |json: &str| format!("\u{feff}{json}"),
        |json: &str| format!("{json}x"),
        |json: &str| format!("{json}{json}"),
        |json: &str| format!("[{json}]"),
        |json: &str| json.replacen('{', "{,", 1),
        |json: &str| json.replacen('"', "'", 2),
        |_: &str| "\"text\"".to_owned(),
        |_: &str| "null".to_owned(),
        |_: &str| String::new(),
        |_: &str| "[".repeat(3000),
        |_: &str| format!("[\"{}\"]", super::ISSUER),
    ] {
        assert_eq!(with_raw_header(spoil(&good_header)), Some(Refusal::TokenMalformed));
        assert_eq!(with_raw_payload(spoil(&good_claims)), Some(Refusal::TokenMalformed));
    }
    assert_eq!(with_raw_header(b"{\"alg\":\"ES256\",\"x\":\"\xff\"}"), Some(Refusal::TokenMalformed));
    assert_eq!(
        with_raw_payload([good_claims.trim_end_matches('}').as_bytes(), b",\"x\":\"\xff\"}"].concat()),
        Some(Refusal::TokenMalformed)
    );
    assert_eq!(with_raw_payload(good_claims.replacen('{', " \t\r\n{ ", 1)), None);
}

#[test]
fn a_name_may_appear_once() {
    for doubled in [
        r#"{"alg":"ES256","alg":"ES256","kid":"ES256","typ":"JWT"}"#,
        r#"{"alg":"ES256","al\u0067":"none","kid":"ES256","typ":"JWT"}"#,
        r#"{"alg":"ES256","kid":"ES256","kid":"RS256","typ":"JWT"}"#,
        r#"{"alg":"ES256","kid":"ES256","typ":"JWT","other":1,"other":1}"#,
    ] {
        assert_eq!(with_raw_header(doubled), Some(Refusal::TokenMalformed), "{doubled}");
    }
    let claims = claims().to_string();
    for (doubled, refusal) in [
        (r#""iss":"https://issuer.example.com""#, Refusal::TokenClaims),
        (r#""is\u0073":"https://evil.example""#, Refusal::TokenClaims),
        (r#""exp":9999999999"#, Refusal::TokenMalformed),
        (r#""\u0065xp":9999999999"#, Refusal::TokenMalformed),
        (r#""scope":"admin""#, Refusal::TokenMalformed),
        (r#""anything":1,"anything":2"#, Refusal::TokenMalformed),
    ] {
        assert_eq!(with_raw_payload(claims.replacen('{', &format!("{{{doubled},"), 1)), Some(refusal), "{doubled}");
    }
}

#[test]
fn members_are_bounded() {
    let many = |count: usize| (0..count).map(|n| format!("\"c{n}\":0,")).collect::<String>();
    let payload = |count| claims().to_string().replacen('{', &format!("{{{}", many(count)), 1);
    assert_eq!(with_raw_payload(payload(100)), None);
    assert_eq!(with_raw_payload(payload(123)), Some(Refusal::TokenMalformed));
}

#[test]
fn alg_is_a_name_of_the_list() {
    assert_eq!(with_header(json!({"alg": null})), Some(Refusal::TokenMalformed));
    for wrong_type in [json!({"alg": 256}), json!({"alg": ["ES256"]}), json!({"alg": {}}), json!({"alg": true})] {
        assert_eq!(with_header(wrong_type), Some(Refusal::TokenMalformed));
    }
    for name in ["", "es256", "ES256 ", "ES512", "ES256K", "Ed448", "HS256", "PBES2-HS256+A128KW", "RSA-OAEP", "dir"] {
        assert_eq!(with_header(json!({"alg": name})), Some(Refusal::TokenAlgorithm), "{name}");
    }
}

#[test]
fn typ_is_one_that_the_record_allows() {
    for typ in ["at+jwt", "AT+JWT", "JWT", "jwt", "application/at+jwt", "APPLICATION/jwt"] {
        assert_eq!(with_header(json!({"typ": typ})), None, "{typ}");
    }
    assert_eq!(with_header(json!({"typ": null})), None);
    for typ in ["", "id+jwt", "logout+jwt", "dpop+jwt", "text/jwt", "application/application/jwt", " JWT"] {
        assert_eq!(with_header(json!({"typ": typ})), Some(Refusal::TokenType), "{typ}");
    }
    assert_eq!(with_header(json!({"typ": ["JWT"]})), Some(Refusal::TokenMalformed));
}

#[test]
fn kid_is_a_string_of_bounded_length() {
    assert_eq!(with_header(json!({"kid": 1})), Some(Refusal::TokenMalformed));
    assert_eq!(with_raw_header(r#"{"alg":"ES256","kid":null}"#), Some(Refusal::TokenMalformed));
    assert_eq!(with_header(json!({"kid": "k".repeat(limits::KID)})), Some(Refusal::TokenKeyUnknown));
    let long = ES256
        .mint(with(header("ES256"), json!({"kid": "k".repeat(limits::KID + 1)})).to_string(), claims().to_string());
    assert_eq!(Unverified::read(&long).err(), Some(Refusal::TokenKeyUnknown), "nothing may be looked up for it");
}

#[test]
fn iss_is_a_string_of_bounded_length() {
    let read = |iss: Value| {
        let token = ES256.mint(header("ES256").to_string(), json!({"iss": iss}).to_string());
        Unverified::read(&token).map(|token| token.unverified_issuer().to_owned())
    };
    assert_eq!(read(json!("i".repeat(limits::ISSUER))), Ok("i".repeat(limits::ISSUER)));
    assert_eq!(read(json!("i".repeat(limits::ISSUER + 1))), Err(Refusal::TokenIssuerUnknown));
    assert_eq!(read(json!("")), Err(Refusal::TokenIssuerUnknown));
    for wrong_type in [json!(1), json!(null), json!([super::ISSUER]), json!({"a": super::ISSUER})] {
        assert_eq!(read(wrong_type.clone()), Err(Refusal::TokenClaims), "{wrong_type}");
    }
    assert_eq!(with_raw_payload(b64(b"no json")), Some(Refusal::TokenMalformed));
}
