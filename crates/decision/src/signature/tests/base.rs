use std::borrow::Cow;

use super::super::base::{BaseError, Message, Start, Target, signature_base};
use super::super::input::signature_input;
use crate::request::Headers;

const HTTPS: Start<'_> = Start::Request {
    method: "GET",
    scheme: "https",
    authority: "Shop.Example:443",
    target: Some(Target { path: "/a%2Fb", query: Some("q=1+2&Q=&caf%c3%a9=%20*~&twice=1&twice=2") }),
};

/// The lines of the base for these components, without the last.
fn lines(start: Start<'_>, fields: &[(&str, &str)], components: &str) -> Result<String, BaseError> {
    let lines = fields.iter().map(|(name, value)| (Cow::from(*name), Cow::from(*value)));
    let headers = Headers::new(lines.collect());
    let input = format!("s=({components});created=1");
    let (_, params) = signature_input(&input).unwrap().pop().unwrap();
    let base = signature_base(&Message { start, headers: &headers }, &params)?;
    let last = format!("\"@signature-params\": ({components});created=1");
    Ok(base.strip_suffix(&last).expect("the last line").to_owned())
}

#[test]
fn the_last_line_is_the_signatures_own_parameters() {
    assert_eq!(lines(HTTPS, &[], ""), Ok(String::new()));
}

#[test]
fn derived_components_of_a_request() {
    for (component, value) in [
        ("\"@method\"", "GET"),
        ("\"@authority\"", "shop.example"),
        ("\"@scheme\"", "https"),
        ("\"@path\"", "/a%2Fb"),
        ("\"@query\"", "?q=1+2&Q=&caf%c3%a9=%20*~&twice=1&twice=2"),
        ("\"@request-target\"", "/a%2Fb?q=1+2&Q=&caf%c3%a9=%20*~&twice=1&twice=2"),
        ("\"@target-uri\"", "https://shop.example/a%2Fb?q=1+2&Q=&caf%c3%a9=%20*~&twice=1&twice=2"),
        ("\"@query-param\";name=\"q\"", "1%202"),
        ("\"@query-param\";name=\"Q\"", ""),
        ("\"@query-param\";name=\"caf%C3%A9\"", "%20*%7E"),
    ] {
        assert_eq!(lines(HTTPS, &[], component), Ok(format!("{component}: {value}\n")));
    }
}

#[test]
fn an_empty_target_has_a_path_and_a_query() {
    let of = |path, query| Start::Request {
        method: "get",
        scheme: "http",
        authority: "a",
        target: Some(Target { path, query }),
    };
    for (start, component, value) in [
        (of("", None), "@path", "/"),
        (of("", None), "@query", "?"),
        (of("", None), "@request-target", "/"),
        (of("/", Some("")), "@query", "?"),
        (of("/", Some("")), "@target-uri", "http://a/?"),
        (of("", None), "@method", "get"),
    ] {
        assert_eq!(lines(start, &[], &format!("\"{component}\"")), Ok(format!("\"{component}\": {value}\n")));
    }
}

#[test]
fn the_authority_loses_its_default_port_only() {
    for (scheme, authority, expected) in [
        ("https", "A.example", "a.example"),
        ("https", "a.example:443", "a.example"),
        ("https", "a.example:80", "a.example:80"),
        ("https", "a.example:8443", "a.example:8443"),
        ("HTTPS", "a.example:443", "a.example"),
        ("http", "a.example:80", "a.example"),
        ("http", "a.example:443", "a.example:443"),
        ("https", "[2001:DB8::443]", "[2001:db8::443]"),
    ] {
        let start = Start::Request { method: "GET", scheme, authority, target: None };
        assert_eq!(lines(start, &[], "\"@authority\""), Ok(format!("\"@authority\": {expected}\n")));
    }
}

#[test]
fn the_status_belongs_to_a_response() {
    assert_eq!(lines(Start::Response { status: 204 }, &[], "\"@status\""), Ok("\"@status\": 204\n".to_owned()));
    assert_eq!(lines(HTTPS, &[], "\"@status\""), Err(BaseError::Absent));
    for name in ["@method", "@authority", "@scheme", "@path", "@query", "@target-uri", "@request-target"] {
        let line = lines(Start::Response { status: 200 }, &[], &format!("\"{name}\""));
        assert_eq!(line, Err(BaseError::Absent), "{name}");
    }
}

#[test]
fn an_unknown_target_is_not_guessed() {
    let start = Start::Request { method: "GET", scheme: "https", authority: "a", target: None };
    for component in
        ["\"@path\"", "\"@query\"", "\"@target-uri\"", "\"@request-target\"", "\"@query-param\";name=\"q\""]
    {
        assert_eq!(lines(start, &[], component), Err(BaseError::Absent), "{component}");
    }
}

#[test]
fn fields_are_stripped_unfolded_and_joined() {
    let fields = [
        ("X-One", "  a b\t"),
        ("X-Two", "first"),
        ("x-two", " second, third "),
        ("X-TWO", ""),
        ("X-Empty", " \t "),
        ("X-Folded", "one, \t\r\n   two \t\r\n\tthree"),
    ];
    for (name, value) in
        [("x-one", "a b"), ("x-two", "first, second, third, "), ("x-empty", ""), ("x-folded", "one, two three")]
    {
        assert_eq!(lines(HTTPS, &fields, &format!("\"{name}\"")), Ok(format!("\"{name}\": {value}\n")));
    }
}

#[test]
fn no_value_can_start_a_line_of_its_own() {
    for value in [
        "a\n\"@method\": POST",
        "a\r\n\"@method\": POST",
        "a\r \"@method\": POST",
        "a\n b",
        "a\r\n",
        "a\r\n \r\nb",
        "a\u{0}b",
        "a\u{7f}b",
        "a\u{b}b",
        "a\u{85}b",
        "a\u{2028}b",
        "caf\u{e9}",
    ] {
        assert_eq!(lines(HTTPS, &[("x", value)], "\"x\""), Err(BaseError::Characters), "{value:?}");
        let start = Start::Request {
            method: value,
            scheme: value,
            authority: value,
            target: Some(Target { path: value, query: None }),
        };
        for name in ["@method", "@authority", "@path", "@scheme", "@target-uri"] {
            assert_eq!(lines(start, &[], &format!("\"{name}\"")), Err(BaseError::Characters), "{name} {value:?}");
        }
    }
}

#[test]
fn what_is_not_known_or_not_there_is_an_error() {
    let fields = [("accept", "a"), ("dict", "a=1")];
    for (components, error) in [
        ("\"x-none\"", BaseError::Absent),
        ("\"@query-param\";name=\"none\"", BaseError::Absent),
        ("\"@query-param\";name=\"caf%c3%a9\"", BaseError::Absent),
        ("\"@query-param\";name=\"twice\"", BaseError::Ambiguous),
        ("\"@query-param\"", BaseError::Unsupported),
        ("\"@query-param\";name=q", BaseError::Unsupported),
        ("\"@query-param\";name=\"q\";req", BaseError::Unsupported),
        ("\"@query-param\";nam=\"q\"", BaseError::Unsupported),
        ("\"@method\";name=\"q\"", BaseError::Unsupported),
        ("\"@method\";req", BaseError::Unsupported),
        ("\"@signature-params\"", BaseError::Unsupported),
        ("\"@unknown\"", BaseError::Unsupported),
        ("\"@Method\"", BaseError::Unsupported),
        ("\"@\"", BaseError::Unsupported),
        ("\"\"", BaseError::Unsupported),
        ("\"Accept\"", BaseError::Unsupported),
        ("\"acc ept\"", BaseError::Unsupported),
        ("\"accept\\\"\"", BaseError::Unsupported),
        ("\"dict\";sf", BaseError::Unsupported),
        ("\"dict\";key=\"a\"", BaseError::Unsupported),
        ("\"accept\";bs", BaseError::Unsupported),
        ("\"accept\";tr", BaseError::Unsupported),
        ("\"accept\";req", BaseError::Unsupported),
        ("\"accept\";unheard-of", BaseError::Unsupported),
        ("\"accept\" \"accept\";bs", BaseError::Unsupported),
        ("\"accept\" \"accept\"", BaseError::Repeated),
        ("\"@method\" \"accept\" \"@method\"", BaseError::Repeated),
        ("\"x\";a;b=1 \"x\";b=1;a", BaseError::Repeated),
    ] {
        assert_eq!(lines(HTTPS, &fields, components), Err(error), "{components}");
    }
}

#[test]
fn one_name_with_other_parameters_is_another_component() {
    let both = "\"@query-param\";name=\"q\" \"@query-param\";name=\"Q\"";
    let expected = "\"@query-param\";name=\"q\": 1%202\n\"@query-param\";name=\"Q\": \n";
    assert_eq!(lines(HTTPS, &[], both), Ok(expected.to_owned()));
}
