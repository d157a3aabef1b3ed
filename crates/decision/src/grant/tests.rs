use proptest::prelude::*;

use super::*;

fn set(texts: &[&str]) -> GrantSet {
    GrantSet::parse(texts.iter().copied()).unwrap()
}

/// IAM's pattern language on a whole ARN, written down independently of `matches`.
fn iam_matches(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            (0..=text.len()).filter(|i| text.is_char_boundary(*i)).any(|i| iam_matches(rest, &text[i..]))
        }
        Some('?') => text.chars().next().is_some_and(|c| iam_matches(&pattern[1..], &text[c.len_utf8()..])),
        Some(c) => text.strip_prefix(c).is_some_and(|rest| iam_matches(&pattern[c.len_utf8()..], rest)),
    }
}

fn resources(set: &GrantSet) -> Vec<String> {
    let arn = Arn::parse("arn:aws:execute-api:eu-west-1:123456789012:abc/prod/GET/x").unwrap();
    let mut all = Vec::new();
    set.for_each_resource(&arn, |method, path| all.push(format!("abc/prod/{method}{path}")));
    all
}

#[test]
fn any_method_never_reaches_a_longer_path() {
    let grants = set(&["* /items"]);
    assert!(grants.allows("GET", "/items"));
    assert!(!grants.allows("GET", "/admin/items"));
    assert!(!grants.allows("CONNECT", "/items"));
    assert_eq!(resources(&grants).len(), 7);
    assert!(!resources(&grants).iter().any(|resource| iam_matches(resource, "abc/prod/GET/admin/items")));
}

#[test]
fn unwritable_grants_say_what_to_change() {
    for (text, says) in [
        ("GET items", "begin with /"),
        ("/items", "METHOD /path"),
        ("FETCH /items", "method"),
        ("get /items", "method"),
        ("GET /a?b", "'?'"),
        ("GET /a$b", "'$'"),
        ("GET /{id}", "'{'"),
        ("GET /a:b", "':'"),
        ("GET /a\u{0}b", "'\\0'"),
        ("GET /a b", "' '"),
        ("GET /a/../b", "dot segments"),
        ("GET /a/%2e%2e/b", "dot segments"),
        ("CONNECT /chat", "WebSocket"),
    ] {
        let error = GrantSet::parse([text]).unwrap_err().to_string();
        assert!(error.contains(says), "{text:?}: {error}");
    }
    assert!(GrantSet::parse([format!("GET /{}", "a".repeat(300)).as_str()]).is_err());
    let many: Vec<String> = (0..101).map(|n| format!("GET /{n}")).collect();
    assert!(GrantSet::parse(many.iter().map(String::as_str)).is_err());
}

#[test]
fn websocket_and_http_grants_stay_apart() {
    let grants = set(&["CONNECT /", "GET /items"]);
    assert!(grants.allows("CONNECT", "/"));
    assert_eq!(resources(&grants), ["abc/prod/GET/items"]);
    let websocket = Arn::parse("arn:aws:execute-api:eu-west-1:123456789012:abc/prod/$connect").unwrap();
    let mut all = Vec::new();
    grants.for_each_resource(&websocket, |method, path| all.push(format!("{method}{path}")));
    assert_eq!(all, ["$connect"]);
}

#[test]
fn key_and_token_together_allow_what_both_allow() {
    let both = set(&["* /items*", "GET /a/*/c"]).intersect(&set(&["GET /items/*", "* /a/b/*"])).unwrap();
    assert_eq!(both, set(&["GET /items/*", "GET /a/b/*/c", "GET /a/b/c"]));
    assert!(set(&["GET /a"]).intersect(&set(&["POST /a"])).unwrap().is_empty());
}

#[test]
fn an_intersection_that_explodes_is_given_up() {
    let stars = format!("GET /{}", "a*".repeat(60));
    let others = format!("GET /{}", "*b".repeat(60));
    assert_eq!(set(&[&stars]).intersect(&set(&[&others])), None);
}

#[test]
fn many_hard_pairs_share_one_bound() {
    let hard = |end: char| (0..100).map(move |n| format!("GET /*{}{n:03}*{end}", "a".repeat(75))).collect::<Vec<_>>();
    let sets = [hard('x'), hard('y')].map(|texts| GrantSet::parse(texts.iter().map(String::as_str)).unwrap());
    assert!(sets[0].intersect(&sets[1]).unwrap().is_empty());
    let open = |end: &str| (0..100).map(|n| format!("GET /*{}{n:03}*{end}*", "a".repeat(75))).collect::<Vec<_>>();
    let sets = [open("x"), open("y")].map(|texts| GrantSet::parse(texts.iter().map(String::as_str)).unwrap());
    assert_eq!(sets[0].intersect(&sets[1]), None);
}

fn pattern() -> impl Strategy<Value = String> {
    ("(GET|POST|\\*)", "[ab*/]{0,7}").prop_map(|(method, path)| format!("{method} /{path}"))
}

proptest! {
    #[test]
    fn matcher_and_iam_pattern_agree(texts in prop::collection::vec(pattern(), 1..4), method in "(GET|POST|PUT)", path in "/[ab/*?$:]{0,8}") {
        let grants = set(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let arn = format!("abc/prod/{method}{path}");
        let by_iam = resources(&grants).iter().any(|resource| iam_matches(resource, &arn));
        prop_assert_eq!(grants.allows(&method, &path), by_iam);
    }

    #[test]
    fn intersection_is_exact(a in pattern(), b in pattern(), path in "/[ab/]{0,7}") {
        let (a, b) = (set(&[&a]), set(&[&b]));
        let Some(both) = a.intersect(&b) else {
            let stars = |set: &GrantSet| set.0.iter().map(|pattern| pattern.path.matches('*').count()).max();
            prop_assert!(stars(&a).max(stars(&b)) > Some(2), "{a:?} {b:?}");
            return Ok(());
        };
        for method in ["GET", "POST"] {
            prop_assert_eq!(both.allows(method, &path), a.allows(method, &path) && b.allows(method, &path));
        }
    }
}
