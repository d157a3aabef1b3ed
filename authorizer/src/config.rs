//! Every environment variable that the authorizer reads. A wrong or missing one stops the start with a
//! message that names it and says what it should be; all of them are reported together.

use std::sync::Arc;

use countersign_decision::grant::GrantSet;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::path_map::PathMap;
use countersign_decision::rules::{ApiStage, EdgeProof, Replay, Require, Rules};
use countersign_decision::signature::Algorithm;
use countersign_function::journal::Audit;
use countersign_function::variables::Variables;
use countersign_https::Network;

use crate::answer::HttpAnswer;

pub struct Config {
    pub rules: Rules,
    pub key_table: String,
    /// ARN or name of the signing secret; `None` where no edge signs.
    pub signing_secret: Option<String>,
    pub signing_algorithm: Algorithm,
    pub http_answer: HttpAnswer,
    pub audit: Audit,
    pub metrics_namespace: String,
    pub issuer_network: Network,
}

/// Longest time that API Gateway caches an authorizer's answer, in seconds.
const LONGEST_RESULT_TTL: u32 = 3600;

impl Config {
    /// `variable` reads one environment variable. `Err`: every problem, one a line.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut variables = Variables::new(&variable);
        let config = config(&mut variables);
        variables.finish(config)
    }
}

fn config(variables: &mut Variables<'_>) -> Config {
    let require = variables.choice("REQUIRE", Require::EdgeAndCaller, Require::parse, "edge+caller, edge or caller");
    let proof = variables.choice("EDGE_PROOF", EdgeProof::Signature, EdgeProof::parse, "signature, token or either");
    let signing_secret = variables.text("SIGNING_SECRET");
    let authorities = authorities(variables);
    // Where no edge is required, one is accepted as soon as it can be verified.
    let edge = if require.names_edge() || signing_secret.is_some() { Some(proof) } else { None };
    if edge.is_some_and(EdgeProof::takes_signature) && signing_secret.is_none() {
        variables.problem("SIGNING_SECRET", "is missing; set it to the ARN or name of the signing secret");
    }
    if edge.is_some() && authorities.is_empty() {
        variables.problem("AUTHORITIES", "is missing; set it to the hosts that the edge fetches, as in api.example.com,abc123.execute-api.eu-west-1.amazonaws.com");
    }
    let result_ttl = result_ttl(variables, edge.is_some());
    let http_answer = http_answer(variables, result_ttl);
    let rules = Rules {
        require,
        edge,
        apis: apis(variables),
        authorities,
        path_map: path_map(variables),
        replay: variables.choice("REPLAY", Replay::Unsafe, Replay::parse, "unsafe, all or off"),
        anonymous: Arc::new(anonymous(variables, require)),
        api_key_header: variables.api_key_header(),
        result_ttl,
        lifetimes: Lifetimes::DEFAULT,
    };
    Config {
        rules,
        key_table: variables.key_table(),
        signing_secret,
        signing_algorithm: variables.signing_algorithm(),
        http_answer,
        audit: variables.audit(),
        metrics_namespace: variables.metrics_namespace(),
        issuer_network: variables.issuer_network(),
    }
}

fn apis(variables: &mut Variables<'_>) -> Vec<ApiStage> {
    let form = "it must be apiId/stage, several separated by commas, as in abc123/prod,def456/$default";
    let items = variables.list("APIS");
    if items.is_empty() {
        variables.problem("APIS", &format!("is missing; {form}"));
    }
    let mut apis = Vec::with_capacity(items.len());
    for item in items {
        match ApiStage::parse(&item) {
            Some(api) => apis.push(api),
            None => variables.problem("APIS", &format!("has {item:?}; {form}")),
        }
    }
    apis
}

fn authorities(variables: &mut Variables<'_>) -> Vec<String> {
    let items = variables.list("AUTHORITIES");
    for item in &items {
        let plain = item.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
        if !plain {
            variables.problem("AUTHORITIES", &format!("has {item:?}; it must be a host, without scheme and path"));
        }
    }
    items
        .iter()
        .map(|item| item.to_ascii_lowercase())
        .map(|item| item.strip_suffix(":443").unwrap_or(&item).to_owned())
        .collect()
}

fn path_map(variables: &mut Variables<'_>) -> PathMap {
    PathMap::parse(&variables.text("PATH_MAP").unwrap_or_default()).unwrap_or_else(|error| {
        variables.problem("PATH_MAP", &error);
        PathMap::default()
    })
}

fn anonymous(variables: &mut Variables<'_>, require: Require) -> GrantSet {
    let items = variables.list("ANONYMOUS_GRANTS");
    if !items.is_empty() && require != Require::Edge {
        variables
            .problem("ANONYMOUS_GRANTS", "is set, but REQUIRE asks for a caller; empty it, or set REQUIRE to edge");
    }
    GrantSet::parse(items.iter().map(String::as_str)).unwrap_or_else(|error| {
        variables.problem("ANONYMOUS_GRANTS", &format!("is wrong: {error}"));
        GrantSet::default()
    })
}

fn result_ttl(variables: &mut Variables<'_>, edge: bool) -> u32 {
    let Some(text) = variables.text("RESULT_TTL") else { return 0 };
    let Some(ttl) = text.parse().ok().filter(|ttl| *ttl <= LONGEST_RESULT_TTL) else {
        variables.problem("RESULT_TTL", &format!("is {text:?}; it must be 0 to {LONGEST_RESULT_TTL} seconds"));
        return 0;
    };
    if ttl > 0 && edge {
        variables.problem("RESULT_TTL", "is not 0, but an edge's proof is accepted: a cached answer would let later requests through unverified; set it to 0 here and on the authorizer");
    }
    ttl
}

fn http_answer(variables: &mut Variables<'_>, result_ttl: u32) -> HttpAnswer {
    let parse = |text: &str| match text {
        "policy" => Some(HttpAnswer::Policy),
        "simple" => Some(HttpAnswer::Simple),
        _ => None,
    };
    let answer = variables.choice("HTTP_ANSWER", HttpAnswer::Policy, parse, "policy or simple");
    if answer == HttpAnswer::Simple && result_ttl > 0 {
        variables.problem(
            "HTTP_ANSWER",
            "is simple while RESULT_TTL is not 0: a cached yes would open every route; use policy",
        );
    }
    answer
}
