//! Every environment variable, named once. A wrong or missing one stops the start with a message
//! that names it and says what it should be; all of them are reported together.

use std::sync::Arc;

use countersign_decision::grant::GrantSet;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::path_map::PathMap;
use countersign_decision::rules::{ApiStage, EdgeProof, Replay, Require, Rules};
use countersign_decision::signature::Algorithm;
use countersign_https::Network;

use crate::answer::HttpAnswer;
use crate::audit::Audit;

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
        let mut reader = Reader { variable: &variable, problems: Vec::new() };
        let config = reader.config();
        if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems.join("\n")) }
    }
}

struct Reader<'v> {
    variable: &'v dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn config(&mut self) -> Config {
        let require = self.choice("REQUIRE", Require::EdgeAndCaller, Require::parse, "edge+caller, edge or caller");
        let proof = self.choice("EDGE_PROOF", EdgeProof::Signature, EdgeProof::parse, "signature, token or either");
        let signing_secret = self.text("SIGNING_SECRET");
        let authorities = self.authorities();
        // Where no edge is required, one is accepted as soon as it can be verified.
        let edge = if require.names_edge() || signing_secret.is_some() { Some(proof) } else { None };
        if edge.is_some_and(EdgeProof::takes_signature) && signing_secret.is_none() {
            self.problem("SIGNING_SECRET", "is missing; set it to the ARN or name of the signing secret");
        }
        if edge.is_some() && authorities.is_empty() {
            self.problem("AUTHORITIES", "is missing; set it to the hosts that the edge fetches, as in api.example.com,abc123.execute-api.eu-west-1.amazonaws.com");
        }
        let result_ttl = self.result_ttl(edge.is_some());
        let http_answer = self.http_answer(result_ttl);
        let rules = Rules {
            require,
            edge,
            apis: self.apis(),
            authorities,
            path_map: self.path_map(),
            replay: self.choice("REPLAY", Replay::Unsafe, Replay::parse, "unsafe, all or off"),
            anonymous: Arc::new(self.anonymous(require)),
            api_key_header: self.api_key_header(),
            result_ttl,
            lifetimes: Lifetimes::DEFAULT,
        };
        Config {
            rules,
            key_table: self.required("KEY_TABLE", "set it to the name of the key table"),
            signing_secret,
            signing_algorithm: self.choice(
                "SIGNING_ALGORITHM",
                Algorithm::HmacSha256,
                Algorithm::parse,
                "hmac-sha256, ed25519 or ecdsa-p256-sha256",
            ),
            http_answer,
            audit: self.choice("AUDIT", Audit::All, Audit::parse, "all, refusals or sample:N with N of 1 or more"),
            metrics_namespace: self.text("METRICS_NAMESPACE").unwrap_or_else(|| "Countersign".to_owned()),
            issuer_network: self.choice(
                "ISSUER_NETWORK",
                Network::Public,
                Network::parse,
                "public or, for tests only, any",
            ),
        }
    }

    fn problem(&mut self, name: &str, says: &str) {
        self.problems.push(format!("{name} {says}"));
    }

    /// An empty variable is an absent one: a template cannot leave one out.
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn required(&mut self, name: &str, says: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            self.problem(name, &format!("is missing; {says}"));
            String::new()
        })
    }

    fn choice<T>(&mut self, name: &str, default: T, parse: impl Fn(&str) -> Option<T>, choices: &str) -> T {
        let Some(text) = self.text(name) else { return default };
        parse(&text).unwrap_or_else(|| {
            self.problem(name, &format!("is {text:?}; it must be {choices}"));
            default
        })
    }

    fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn apis(&mut self) -> Vec<ApiStage> {
        let form = "it must be apiId/stage, several separated by commas, as in abc123/prod,def456/$default";
        let items = self.list("APIS");
        if items.is_empty() {
            self.problem("APIS", &format!("is missing; {form}"));
        }
        let mut apis = Vec::with_capacity(items.len());
        for item in items {
            match ApiStage::parse(&item) {
                Some(api) => apis.push(api),
                None => self.problem("APIS", &format!("has {item:?}; {form}")),
            }
        }
        apis
    }

    fn authorities(&mut self) -> Vec<String> {
        let items = self.list("AUTHORITIES");
        for item in &items {
            let plain = item.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
            if !plain {
                self.problem("AUTHORITIES", &format!("has {item:?}; it must be a host, without scheme and path"));
            }
        }
        items
            .iter()
            .map(|item| item.to_ascii_lowercase())
            .map(|item| item.strip_suffix(":443").unwrap_or(&item).to_owned())
            .collect()
    }

    fn path_map(&mut self) -> PathMap {
        PathMap::parse(&self.text("PATH_MAP").unwrap_or_default()).unwrap_or_else(|error| {
            self.problem("PATH_MAP", &error);
            PathMap::default()
        })
    }

    fn anonymous(&mut self, require: Require) -> GrantSet {
        let items = self.list("ANONYMOUS_GRANTS");
        if !items.is_empty() && require != Require::Edge {
            self.problem("ANONYMOUS_GRANTS", "is set, but REQUIRE asks for a caller; empty it, or set REQUIRE to edge");
        }
        GrantSet::parse(items.iter().map(String::as_str)).unwrap_or_else(|error| {
            self.problem("ANONYMOUS_GRANTS", &format!("is wrong: {error}"));
            GrantSet::default()
        })
    }

    fn api_key_header(&mut self) -> String {
        let name = self.text("API_KEY_HEADER").unwrap_or_else(|| "x-api-key".to_owned()).to_ascii_lowercase();
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !plain
            || name.starts_with("edge-")
            || ["authorization", "host", "signature", "signature-input"].contains(&name.as_str())
        {
            self.problem(
                "API_KEY_HEADER",
                &format!("is {name:?}; it must be a header name of its own, such as x-api-key"),
            );
        }
        name
    }

    fn result_ttl(&mut self, edge: bool) -> u32 {
        let Some(text) = self.text("RESULT_TTL") else { return 0 };
        let Some(ttl) = text.parse().ok().filter(|ttl| *ttl <= LONGEST_RESULT_TTL) else {
            self.problem("RESULT_TTL", &format!("is {text:?}; it must be 0 to {LONGEST_RESULT_TTL} seconds"));
            return 0;
        };
        if ttl > 0 && edge {
            self.problem("RESULT_TTL", "is not 0, but an edge's proof is accepted: a cached answer would let later requests through unverified; set it to 0 here and on the authorizer");
        }
        ttl
    }

    fn http_answer(&mut self, result_ttl: u32) -> HttpAnswer {
        let parse = |text: &str| match text {
            "policy" => Some(HttpAnswer::Policy),
            "simple" => Some(HttpAnswer::Simple),
            _ => None,
        };
        let answer = self.choice("HTTP_ANSWER", HttpAnswer::Policy, parse, "policy or simple");
        if answer == HttpAnswer::Simple && result_ttl > 0 {
            self.problem(
                "HTTP_ANSWER",
                "is simple while RESULT_TTL is not 0: a cached yes would open every route; use policy",
            );
        }
        answer
    }
}
