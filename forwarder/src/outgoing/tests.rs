#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::{Value, json};

use super::*;
use crate::event;

const IDENTITY: &str = r#"{"principal":"acme","key_id":"kid_1","scopes":"read write","team":"blue","client_ip":"203.0.113.7","client_host":"api.example.com","ray":"8f2c-LHR"}"#;

fn payload(headers: &[(&str, &str)], authorizer: &str) -> String {
    let mut lines: serde_json::Map<String, Value> = serde_json::Map::new();
    for (name, value) in headers {
        let values = lines.entry((*name).to_owned()).or_insert_with(|| json!([]));
        values.as_array_mut().unwrap().push(json!(value));
    }
    let authorizer: Value = serde_json::from_str(authorizer).unwrap();
    json!({
        "httpMethod": "GET", "path": "/items", "multiValueHeaders": lines,
        "requestContext": {
            "authorizer": authorizer, "requestId": "req-1", "domainName": "gateway.example",
            "identity": { "sourceIp": "198.51.100.1" },
        },
    })
    .to_string()
}

/// What a back end gets of these headers: `name: value`, in order.
fn sent_by(headers: &[(&str, &str)], authorizer: &str, rules: &Rules) -> Vec<String> {
    try_sent_by(headers, authorizer, rules).unwrap()
}

/// `Err`: the failure's code, and what the operator is told.
fn try_sent_by(
    headers: &[(&str, &str)],
    authorizer: &str,
    rules: &Rules,
) -> Result<Vec<String>, (&'static str, Vec<String>)> {
    let payload = payload(headers, authorizer);
    let request = event::parse(&payload).unwrap();
    let wire = Wire { path: "/items".to_owned(), query: None };
    let notes = Notes::default();
    match Outgoing::new(&request, request.identity.as_ref().unwrap(), wire, rules, &notes) {
        Ok(outgoing) => Ok(outgoing.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()),
        Err(failure) => Err((failure.code(), notes.take().causes)),
    }
}

fn rules(items: &str) -> Rules {
    Rules::new(IdentityHeaders::parse(items).unwrap(), &[])
}

const ADDED: [&str; 4] = [
    "x-forwarded-host: api.example.com",
    "cf-ray: 8f2c-LHR",
    "x-forwarded-for: 203.0.113.7",
    "x-forwarded-proto: https",
];

#[test]
fn what_was_verified_is_added() {
    let sent = sent_by(&[("Accept", "a/b")], IDENTITY, &Rules::new(IdentityHeaders::default(), &[]));
    let identity =
        ["accept: a/b", "x-consumer-username: acme", "x-consumer-id: kid_1", "x-consumer-scopes: read write"];
    let expected: Vec<_> = identity.into_iter().chain(ADDED).chain(["x-request-id: req-1"]).collect();
    assert_eq!(sent, expected);
}

#[test]
fn without_a_proof_of_the_edge_the_gateway_says_who_asked() {
    let sent = sent_by(&[("Cf-Ray", "mine"), ("X-Request-Id", "mine")], r#"{"principal":"acme"}"#, &rules("none"));
    let expected = [
        "x-request-id: mine",
        "x-forwarded-for: 198.51.100.1",
        "x-forwarded-host: gateway.example",
        "x-forwarded-proto: https",
    ];
    assert_eq!(sent, expected);
}

#[test]
fn what_a_client_claims_or_means_for_the_next_hop_stays_behind() {
    for name in [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Transfer_Encoding",
        "Connection",
        "Keep-Alive",
        "Proxy",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "HTTP2-Settings",
        "Edge-Target",
        "edge_client",
        "Signature",
        "Signature-Input",
        "Forwarded",
        "Forwarded-For",
        "X-Forwarded",
        "X_Forwarded",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "X-Forwarded_Host",
        "X.Forwarded.Proto",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "X-Real-IP",
        "Client-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "Fastly-Client-IP",
        "True-Client-IP",
        "True_Client_IP",
        "X-Appengine-User-IP",
        "Remote-User",
        "REMOTE_USER",
        "X-Remote-User",
        "CF-Connecting-IP",
        "Cf_Connecting_IP",
        "CF-IPCountry",
        "Cf-Ray",
        "CF_RAY",
        "X-Consumer-Username",
        "X_Consumer_Custom_ID",
        "x-consumer-groups",
        "X-Credential-Identifier",
        "X-Authenticated-UserId",
        "X-Anonymous-Consumer",
        "X-Amzn-Oidc-Data",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "X-HTTP-Method",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Host",
        "X-Team",
        "X_TEAM",
    ] {
        let sent =
            sent_by(&[(name, "1"), ("X-Kept", "1"), ("Traceparent", "00-a-b-01")], IDENTITY, &rules("nothing=X-Team"));
        let own: Vec<_> =
            sent.iter().filter(|line| !ADDED.contains(&line.as_str()) && !line.starts_with("x-request-id")).collect();
        assert_eq!(own, ["traceparent: 00-a-b-01", "x-kept: 1"], "{name}");
    }
}

#[test]
fn what_connection_names_is_the_clients_own_only() {
    let headers = [
        ("Connection", "close, X-Secret"),
        ("Connection", "x-forwarded-for,X-Consumer-Username, x_odd"),
        ("X-Secret", "1"),
        ("X-Odd", "1"),
        ("X-Kept", "1"),
    ];
    let sent = sent_by(&headers, IDENTITY, &Rules::new(IdentityHeaders::default(), &[]));
    let named =
        |line: &&String| line.starts_with("x-secret") || line.starts_with("x-odd") || line.starts_with("connection");
    assert_eq!(sent.iter().find(named), None);
    for line in ["x-kept: 1", "x-consumer-username: acme", "x-forwarded-for: 203.0.113.7"] {
        assert!(sent.iter().any(|sent| sent == line), "{line}");
    }
}

#[test]
fn any_entry_of_the_context_may_have_a_header() {
    let sent = sent_by(&[("X-Team", "red")], IDENTITY, &rules("team=X-Team, client_ip=X-Real-IP"));
    assert_eq!(sent.first().map(String::as_str), Some("x-team: blue"));
    assert!(sent.contains(&"x-real-ip: 203.0.113.7".to_owned()), "{sent:?}");
}

#[test]
fn nothing_ends_a_line() {
    let authorizer = r#"{"principal":"acme","client_ip":"203.0.113.7","ray":"r"}"#;
    let headers =
        [("X-A", "1\r\nx-admin: 1"), ("X-B", "\u{0}"), ("X B", "1"), ("X-C\r\nx-admin", "1"), ("X-D", "tab\tü")];
    let sent = sent_by(&headers, authorizer, &rules("none"));
    let added = [
        "cf-ray: r",
        "x-forwarded-for: 203.0.113.7",
        "x-forwarded-host: gateway.example",
        "x-forwarded-proto: https",
        "x-request-id: req-1",
    ];
    assert_eq!(sent, [&["x-d: tab\tü"][..], &added].concat());
}

/// Left out, it would make a caller nobody; read without its white space, somebody else.
#[test]
fn what_was_verified_is_sent_as_it_is_or_the_request_is_not() {
    let rules = rules("principal=X-User,team=X-Team");
    for value in [" acme", "acme ", "\\tacme", "acme\\r\\nx-admin: 1", "ac\\u0000me", "\\u0085", " ", "acme\\u00a0"] {
        for (entry, header) in
            [("principal", "x-user"), ("team", "x-team"), ("client_host", "x-forwarded-host"), ("ray", "cf-ray")]
        {
            let others = if entry == "principal" { "" } else { r#""principal":"acme","# };
            let authorizer = format!(r#"{{{others}"{entry}":"{value}"}}"#);
            let (code, causes) = try_sent_by(&[], &authorizer, &rules).unwrap_err();
            assert_eq!(code, "record_malformed", "{authorizer}");
            let [cause] = &causes[..] else { panic!("{authorizer}: {causes:?}") };
            assert!(cause.starts_with(&format!("{header}: ")) && !cause.contains("acme"), "{cause}");
        }
    }
    let authorizer = r#"{"principal":"ac  me","team":"","key_id":" not sent anywhere "}"#;
    assert_eq!(sent_by(&[], authorizer, &rules)[..2], ["x-user: ac  me", "x-team: "]);
}

#[test]
fn a_request_has_one_id() {
    for name in ["X-Request-Id", "x_request_id", "X.Request.ID"] {
        let sent = sent_by(&[(name, "mine")], IDENTITY, &rules("none"));
        let ids: Vec<_> = sent.iter().filter(|line| line.contains("equest")).collect();
        assert_eq!(ids, [&format!("{}: mine", name.to_ascii_lowercase())]);
    }
    assert!(sent_by(&[], IDENTITY, &rules("none")).contains(&"x-request-id: req-1".to_owned()));
}

#[test]
fn credentials_are_passed_on_unless_hidden() {
    let headers = [("Authorization", "Bearer t"), ("X-Api-Key", "k"), ("Cookie", "c=1")];
    let shown = sent_by(&headers, IDENTITY, &rules("none"));
    assert_eq!(shown.get(..3).unwrap(), ["authorization: Bearer t", "cookie: c=1", "x-api-key: k"]);
    let hidden = sent_by(&headers, IDENTITY, &Rules::new(IdentityHeaders::default(), &["authorization", "X_Api_Key"]));
    assert_eq!(hidden.first().map(String::as_str), Some("cookie: c=1"));
    assert!(!hidden.iter().any(|line| line.contains("Bearer") || line.ends_with(": k")));
}

#[test]
fn forms_of_identity_headers() {
    for wrong in [
        "principal",
        "=X-User",
        "principal=",
        "principal=X User",
        "principal=Host",
        "principal=Connection",
        "principal=Content-Length",
        "principal=Transfer_Encoding",
        "principal=Edge-Client",
        "principal=X-Forwarded-For",
        "principal=CF_Ray",
        "principal=Signature",
        "principal=X-User,key_id=x_user",
    ] {
        let says = IdentityHeaders::parse(wrong).unwrap_err();
        assert!(says.starts_with("has ") && says.contains("must") || says.contains("name another"), "{wrong}: {says}");
    }
    assert_eq!(IdentityHeaders::parse("none"), Ok(IdentityHeaders(Vec::new())));
    let same = "principal=X-Consumer-Username, key_id=X-Consumer-Id,issuer=X-Consumer-Issuer,scopes=X-Consumer-Scopes,";
    assert_eq!(IdentityHeaders::parse(same), Ok(IdentityHeaders::default()));
}
