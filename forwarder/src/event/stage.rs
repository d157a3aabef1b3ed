//! The stage in front of the path that HTTP APIs show.
//!
//! On the default endpoint a named stage is always there. Behind a custom domain reports disagree, and a
//! resource may be called like the stage: there only the route that matched tells. A stage cut off by
//! mistake would make a path that no authorizer has judged; one left in place is at worst a wrong path.

use std::borrow::Cow;

use countersign_decision::path::below_stage;
use countersign_function::lines::Line;

/// What tells whether the stage is there.
pub(super) struct Matched<'m> {
    pub stage: &'m str,
    /// The API's id.
    pub api: &'m str,
    /// The host that the gateway was asked for.
    pub domain: &'m str,
    /// The route's path, with parameters in braces; `$default` has none.
    pub template: &'m str,
    pub parameters: &'m [Line<'m>],
}

/// `path` relative to its stage.
pub(super) fn removed<'a>(path: Cow<'a, str>, matched: &Matched<'_>) -> Cow<'a, str> {
    let Some(rest) = below_stage(&path, matched.stage) else { return path };
    if !matched.is_default_endpoint() && matched.path().as_deref() != Some(rest) {
        return path;
    }
    let cut = path.len() - rest.len();
    match path {
        _ if rest == "/" => Cow::Borrowed("/"),
        Cow::Borrowed(path) => Cow::Borrowed(path.get(cut..).unwrap_or_default()),
        Cow::Owned(mut path) => Cow::Owned(path.split_off(cut)),
    }
}

impl Matched<'_> {
    /// Whether the API was called by its own name. The name of a custom domain may begin with its id.
    fn is_default_endpoint(&self) -> bool {
        self.domain.strip_prefix(self.api).is_some_and(|rest| rest.starts_with(".execute-api."))
    }

    /// The path that the route matched, with its parameters put in.
    fn path(&self) -> Option<String> {
        let segments = self.template.strip_prefix('/')?.split('/').map(|segment| {
            let name = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
            let Some(name) = name else { return Some(segment) };
            let name = name.strip_suffix('+').unwrap_or(name);
            self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_ref())
        });
        let segments: Option<Vec<_>> = segments.collect();
        segments.map(|segments| format!("/{}", segments.join("/")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&'static str, &'static str)]) -> Vec<Line<'static>> {
        pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    const ITS_OWN: &str = "abc.execute-api.eu-west-1.amazonaws.com";
    const CUSTOM: &str = "api.example.com";

    fn on(domain: &str, template: &str, proxy: &'static str, path: &'static str) -> String {
        let parameters = parameters(&[("proxy", proxy), ("id", "7")]);
        let matched = Matched { stage: "prod", api: "abc", domain, template, parameters: &parameters };
        let owned = removed(Cow::Owned(path.to_owned()), &matched);
        assert_eq!(removed(Cow::Borrowed(path), &matched), owned);
        owned.into_owned()
    }

    #[test]
    fn on_the_default_endpoint_it_is_always_there() {
        for (path, rest) in [
            ("/prod/items", "/items"),
            ("/prod", "/"),
            ("/prod/", "/"),
            ("/prod//", "//"),
            ("/prod/prod/é", "/prod/é"),
            ("/production/items", "/production/items"),
            ("/items", "/items"),
            ("", ""),
        ] {
            assert_eq!(on(ITS_OWN, "$default", "", path), rest, "{path}");
        }
    }

    #[test]
    fn the_default_endpoint_is_the_apis_own_name() {
        for (domain, rest) in [
            (ITS_OWN, "/items"),
            ("abc.execute-api.cn-north-1.amazonaws.com.cn", "/items"),
            ("abc.execute-api.localhost", "/items"),
            ("abc.example.com", "/prod/items"),
            ("abc.execute-api", "/prod/items"),
            ("abc.execute-apis.example.com", "/prod/items"),
            ("abcd.execute-api.eu-west-1.amazonaws.com", "/prod/items"),
            ("x.abc.execute-api.eu-west-1.amazonaws.com", "/prod/items"),
            ("abc", "/prod/items"),
            ("", "/prod/items"),
        ] {
            assert_eq!(on(domain, "$default", "", "/prod/items"), rest, "{domain}");
        }
    }

    #[test]
    fn behind_a_custom_domain_the_route_tells() {
        for (template, proxy, path, rest) in [
            ("/{proxy+}", "items/1", "/prod/items/1", "/items/1"),
            ("/{proxy+}", "items/1", "/items/1", "/items/1"),
            ("/{proxy+}", "prod/items", "/prod/items", "/prod/items"),
            ("/{proxy+}", "prod/items", "/prod/prod/items", "/prod/items"),
            ("/prod/{proxy+}", "x", "/prod/x", "/prod/x"),
            ("/prod/{proxy+}", "x", "/prod/prod/x", "/prod/x"),
            ("/items/{id}", "", "/prod/items/7", "/items/7"),
            ("/items/{id}", "", "/prod/items/8", "/prod/items/8"),
            ("/items/{other}", "", "/prod/items/7", "/prod/items/7"),
            ("/", "", "/prod", "/"),
            ("/", "", "/prod/", "/"),
            ("$default", "", "/prod/items", "/prod/items"),
            ("", "", "/prod/items", "/prod/items"),
        ] {
            assert_eq!(on(CUSTOM, template, proxy, path), rest, "{template} {path}");
        }
    }

    #[test]
    fn the_default_stage_is_in_no_path() {
        for stage in ["$default", ""] {
            let matched = Matched { stage, api: "abc", domain: ITS_OWN, template: "$default", parameters: &[] };
            for path in ["/$default/items", "/items", "//items", "/", ""] {
                assert_eq!(removed(path.into(), &matched), path);
            }
        }
    }
}
