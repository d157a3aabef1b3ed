#![allow(clippy::unwrap_used)]

use super::*;

fn arn(api: &str, stage: &str) -> Arn<'static> {
    Arn::parse(format!("arn:aws:execute-api:eu-west-1:123456789012:{api}/{stage}/GET/x")).unwrap()
}

fn mapped(map: &str, wire_path: &str) -> Option<String> {
    let map = PathMap::parse(map).unwrap();
    map.event_path("api.example.com", &arn("abc", "prod"), wire_path).map(Cow::into_owned)
}

#[test]
fn without_an_entry_nothing_changes() {
    for map in ["", " ; ", "other.example.com/abc/prod: /v1 => /prod", "api.example.com/abc/dev: /v1 => /dev"] {
        assert_eq!(mapped(map, "/v1/items").unwrap(), "/v1/items", "{map:?}");
    }
}

#[test]
fn prefixes_are_whole_segments() {
    for (entry, wire, expected) in [
        ("/v1 => /prod", "/v1/items", Some("/prod/items")),
        ("/v1 => /prod", "/v1", Some("/prod")),
        ("/v1 => /prod", "/v1/", Some("/prod/")),
        ("/v1 => /prod", "/v1//x", Some("/prod//x")),
        ("/v1 => /prod", "/v10/items", None),
        ("/v1 => /prod", "/V1/items", None),
        ("/v1 => /prod", "/items", None),
        ("/v1 => /prod", "/", None),
        ("/ => /prod", "/items", Some("/prod/items")),
        ("/ => /prod", "/", Some("/prod/")),
        ("/v1/nested => /prod", "/v1/nested/x", Some("/prod/x")),
        ("/v1 => /", "/v1/prod/x", Some("/prod/x")),
        ("/v1 => /", "/v1", Some("/")),
        ("/ => /", "/prod/x", Some("/prod/x")),
    ] {
        let map = format!("api.example.com/abc/prod: {entry}");
        assert_eq!(mapped(&map, wire).as_deref(), expected, "{entry} for {wire}");
    }
}

#[test]
fn the_longest_prefix_wins_in_any_order() {
    let short = "api.example.com/abc/prod: /v1 => /prod/short";
    let long = "api.example.com/abc/prod: /v1/nested => /prod/long";
    for map in [format!("{short};{long}"), format!("{long}; {short} ;")] {
        assert_eq!(mapped(&map, "/v1/nested/x").unwrap(), "/prod/long/x");
        assert_eq!(mapped(&map, "/v1/other").unwrap(), "/prod/short/other");
        assert_eq!(mapped(&map, "/v2/other"), None);
    }
}

#[test]
fn hosts_ignore_case_and_keep_their_port() {
    let map = PathMap::parse("API.example.com:8443/abc/$default:/v1=>/").unwrap();
    let arn = arn("abc", "$default");
    assert_eq!(map.event_path("api.EXAMPLE.com:8443", &arn, "/v1/x").unwrap(), "/x");
    assert_eq!(map.event_path("api.example.com", &arn, "/v1/x").unwrap(), "/v1/x");
}

#[test]
fn an_error_names_the_entry_and_what_it_should_be() {
    for (entry, why) in [
        ("api.example.com/abc/prod: /v1", "there is no =>"),
        ("api.example.com => /prod", "there is no / after the host"),
        ("api.example.com/abc/prod /v1 => /prod", "there is no : after the stage"),
        ("/abc/prod: /v1 => /prod", "\"\" is not a host"),
        ("https://api/prod: /v1 => /prod", "is not apiId/stage"),
        ("api_1.example.com/abc/prod: /v1 => /prod", "is not a host"),
        ("api.example.com/abc: /v1 => /prod", "\"abc\" is not apiId/stage"),
        ("api.example.com/abc/*: /v1 => /prod", "is not apiId/stage"),
        ("api.example.com/abc/prod: v1 => /prod", "\"v1\" does not start with /"),
        ("api.example.com/abc/prod: /v1 => prod", "\"prod\" does not start with /"),
        ("api.example.com/abc/prod: /v1/ => /prod", "a slash too many"),
        ("api.example.com/abc/prod: //v1 => /prod", "a slash too many"),
        ("api.example.com/abc/prod: /v%31 => /prod", "characters or segments"),
        ("api.example.com/abc/prod: /v1/* => /prod", "characters or segments"),
        ("api.example.com/abc/prod: /v1/.. => /prod", "characters or segments"),
        ("api.example.com/abc/prod: /v1 => /prod => /x", "characters or segments"),
    ] {
        let error = PathMap::parse(&format!("ok.example.com/a/b: / => /b; {entry}")).unwrap_err();
        assert!(error.contains(entry) && error.contains(why), "{entry}: {error}");
        assert!(error.contains("host/apiId/stage: /wire-prefix => /event-prefix"), "{error}");
    }
}

#[test]
fn a_prefix_is_mapped_once() {
    let twice = "api.example.com/abc/prod: /v1 => /prod; API.example.com/abc/prod: /v1 => /other";
    assert!(PathMap::parse(twice).unwrap_err().contains("another entry names"));
}
