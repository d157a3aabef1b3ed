#![allow(clippy::unwrap_used)]

use countersign_decision::limits;
use countersign_function::variables::Variables;
use countersign_https::Network;

use super::list::{BackendList, Entry, Place};
use super::passed_back;
use super::settings::Settings;

/// The settings of an environment, or what is wrong with it.
fn settings(environment: &[(&str, &str)]) -> Result<Settings, String> {
    let value = |name: &str| environment.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
    let mut variables = Variables::new(&value);
    let settings = Settings::read(&mut variables);
    variables.finish(settings)
}

fn list(environment: &[(&str, &str)]) -> BackendList {
    settings(environment).map(|settings| settings.list).unwrap()
}

fn https(name: &str, base: &str, network: Network) -> Entry {
    Entry { name: name.to_owned(), place: Place::Https { base: base.to_owned(), network } }
}

#[test]
fn places_of_all_kinds() {
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:mail:live";
    let backends = format!(
        "shop = https://shop.example.com/api/ , plain=http://10.0.0.7:8080,v6=https://[fd00::1]:8443/x,\
         inner=https://shop.internal,near=http://near.internal:8080,mail={arn}"
    );
    let list = list(&[("BACKENDS", &backends), ("PRIVATE_BACKENDS", "inner,near"), ("DEFAULT_BACKEND", "mail")]);
    let expected = [
        https("shop", "https://shop.example.com/api", Network::Public),
        https("plain", "http://10.0.0.7:8080", Network::Any),
        https("v6", "https://[fd00::1]:8443/x", Network::Any),
        https("inner", "https://shop.internal", Network::Any),
        https("near", "http://near.internal:8080", Network::Any),
        Entry { name: "mail".to_owned(), place: Place::Lambda { function: arn.to_owned() } },
    ];
    assert_eq!(list.entries, expected);
    assert_eq!(list.fallback.as_deref(), Some("mail"));
}

/// A name leads where a name server says, and without TLS nobody knows whether it was the right one.
#[test]
fn plain_http_to_a_name_has_to_be_listed() {
    for place in ["http://shop.internal", "http://localhost:8080/x", "http://2130706433", "http://shop.example.com"] {
        let backends = format!("shop={place}");
        let says = settings(&[("BACKENDS", &backends)]).err().unwrap();
        let expected = "BACKENDS has \"shop\", a plain http:// URL with a name, which can lead anywhere: use https, or \
                        list \"shop\" in PRIVATE_BACKENDS";
        assert_eq!(says, expected, "{place}");
        let entries = list(&[("BACKENDS", &backends), ("PRIVATE_BACKENDS", "shop")]).entries;
        assert_eq!(entries, [https("shop", place, Network::Any)]);
    }
    for place in ["http://10.0.0.7", "http://8.8.8.8:80", "http://[fd00::1]"] {
        let entries = list(&[("BACKENDS", &format!("shop={place}"))]).entries;
        assert_eq!(entries, [https("shop", place, Network::Any)]);
    }
}

#[test]
fn without_variables_there_are_no_back_ends() {
    let settings = settings(&[]).unwrap();
    assert!(settings.list.entries.is_empty() && settings.list.fallback.is_none());
    assert_eq!(settings.patience.as_secs(), 25);
}

#[test]
fn places_that_are_none() {
    for place in [
        "",
        "shop.example.com",
        "ftp://shop.example.com",
        "https://",
        "https:///x",
        "https://user:canary@shop.example.com",
        "https://shop.example.com?x=1",
        "https://shop.example.com/#x",
        "https://shop.example.com/a/../b",
        "https://shop.example.com/a//b",
        "https://shop.example.com/%2e%2e",
        "https://shop.example.com\\@evil.example",
        "https://shop.example.com:port",
        "https://shop.example.com:0",
        "https://shop.example.com:70000",
        "https://[::1",
        "https://[shop]/",
        "https://shop example.com",
        "arn:aws:lambda:eu-west-1:123456789012:layer:mail",
        "arn:aws:lambda:eu-west-1:123456789012:function:",
        "arn:aws:lambda:eu-west-1:123456789012:function:mail:live:more",
        "arn:aws:s3:::bucket",
    ] {
        let says =
            settings(&[("BACKENDS", &format!("shop={place}"))]).err().unwrap_or_else(|| panic!("{place} is taken"));
        assert!(says.starts_with("BACKENDS has \"shop\", whose place must be "), "{place}: {says}");
        assert!(!says.contains("canary"), "{says}");
    }
}

#[test]
fn each_problem_names_its_variable_and_the_remedy() {
    let backends = ("BACKENDS", "a=https://a.example,f=arn:aws:lambda:eu-west-1:123456789012:function:f");
    for (environment, says) in [
        (("BACKENDS", "https://a.example"), "BACKENDS has an item without =; it must be name=place"),
        (("BACKENDS", "a b=https://a.example"), "BACKENDS has the name \"a b\"; it must be"),
        (("BACKENDS", "a=https://a.example,a=https://b.example"), "BACKENDS has the name \"a\" twice; give"),
        (("PRIVATE_BACKENDS", "b"), "PRIVATE_BACKENDS has \"b\"; it must be a name that BACKENDS lists"),
        (("PRIVATE_BACKENDS", "f"), "PRIVATE_BACKENDS has \"f\", which is a Lambda function; take it out"),
        (("DEFAULT_BACKEND", "b"), "DEFAULT_BACKEND is \"b\"; it must be a name that BACKENDS lists"),
        (("BACKEND_TIMEOUT", "0"), "BACKEND_TIMEOUT is \"0\"; it must be 1 to 300 seconds"),
        (("BACKEND_TIMEOUT", "301"), "BACKEND_TIMEOUT is \"301\"; it must be 1 to 300 seconds"),
        (("IDENTITY_HEADERS", "principal"), "IDENTITY_HEADERS has \"principal\"; it must be context=Header-Name"),
        (("HIDE_CREDENTIALS", "yes"), "HIDE_CREDENTIALS is \"yes\"; it must be on or off"),
    ] {
        let problems = settings(&[environment, backends]).err().unwrap();
        assert!(problems.starts_with(says) && !problems.contains('\n'), "{problems}");
    }
}

#[test]
fn an_answer_loses_what_was_about_its_connection() {
    let lines = [
        ("Content-Type", "text/plain"),
        ("Connection", "close, X-Hop"),
        ("x-hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "7"),
        ("Trailer", "x"),
        ("Upgrade", "h2c"),
        ("Proxy-Authenticate", "Basic"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("x-bad", "1\r\nset-cookie: c=3"),
        ("location", "https://elsewhere.example/"),
    ];
    let passed = passed_back(&lines).unwrap();
    let passed: Vec<_> = passed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("content-type", "text/plain"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("location", "https://elsewhere.example/"),
    ];
    assert_eq!(passed, expected);
}

/// What is compared with each other is bounded, so that no answer costs more than its bytes.
#[test]
fn an_answer_has_no_more_lines_than_are_taken() {
    let lines = |count| vec![("x".to_owned(), "1"); count];
    assert_eq!(passed_back(&lines(limits::HEADERS)).unwrap().len(), limits::HEADERS);
    let says = "more than 512 header lines".to_owned();
    assert_eq!(passed_back(&lines(limits::HEADERS + 1)).err(), Some(says.clone()));
    let options = |count: usize| [("connection", (0..count).map(|n| format!("x{n},")).collect::<String>())];
    assert!(passed_back(&options(limits::HEADERS - 1)).is_ok());
    assert_eq!(passed_back(&options(1_000_000)).err(), Some(says));
}
