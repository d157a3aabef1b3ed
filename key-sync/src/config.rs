//! Every environment variable that key-sync reads. A wrong or missing one stops the start with a
//! message that names it and says what it should be; all of them are reported together.

use countersign_decision::signature::Algorithm;
use countersign_function::url::web_host;
use countersign_function::variables::{Variables, on_or_off};
use countersign_https::Network;

pub struct Config {
    pub key_table: String,
    /// ARN or name of the signing secret.
    pub signing_secret: String,
    pub signing_algorithm: Algorithm,
    pub cloudflare: Cloudflare,
    /// Where the edge answers for itself: scheme and host, no path. Without it no rotation starts.
    pub edge_url: Option<String>,
    /// Name or ARN of the authorizer's function; an emergency rotation replaces its environments.
    pub authorizer_function: Option<String>,
    /// Whether `put-keys` may write records of keys.
    pub put_keys: bool,
    pub issuer_network: Network,
    pub metrics_namespace: String,
}

pub struct Cloudflare {
    /// Base URL of the API.
    pub api: String,
    pub account: String,
    /// Id of the KV namespace that the Worker reads.
    pub namespace: String,
    /// Name of the Worker.
    pub script: String,
    /// ARN or name of the secret whose value is the API token.
    pub token: String,
}

const CLOUDFLARE_API: &str = "https://api.cloudflare.com/client/v4";

impl Config {
    /// `variable` reads one environment variable. `Err`: every problem, one a line.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut variables = Variables::new(&variable);
        let config = config(&mut variables);
        variables.finish(config)
    }
}

fn config(variables: &mut Variables<'_>) -> Config {
    Config {
        key_table: variables.key_table(),
        signing_secret: variables.required("SIGNING_SECRET", "the ARN or name of the signing secret"),
        signing_algorithm: variables.signing_algorithm(),
        cloudflare: cloudflare(variables),
        edge_url: edge_url(variables),
        authorizer_function: variables.text("AUTHORIZER_FUNCTION"),
        put_keys: variables.choice("PUT_KEYS", false, on_or_off, "on or off"),
        issuer_network: variables.issuer_network(),
        metrics_namespace: variables.metrics_namespace(),
    }
}

fn cloudflare(variables: &mut Variables<'_>) -> Cloudflare {
    let api = variables.text("CLOUDFLARE_API").unwrap_or_else(|| CLOUDFLARE_API.to_owned());
    let api = api.trim_end_matches('/').to_owned();
    if web_host(&api).is_none() {
        variables.problem("CLOUDFLARE_API", &format!("is {api:?}; it must be a URL such as {CLOUDFLARE_API}"));
    }
    Cloudflare {
        api,
        account: identifier(variables, "CLOUDFLARE_ACCOUNT", "the id of the Cloudflare account"),
        namespace: identifier(variables, "CLOUDFLARE_NAMESPACE", "the id of the KV namespace that the Worker reads"),
        script: identifier(variables, "CLOUDFLARE_SCRIPT", "the name of the Worker"),
        token: variables.required("CLOUDFLARE_TOKEN", "the ARN or name of the secret that holds the API token"),
    }
}

fn edge_url(variables: &mut Variables<'_>) -> Option<String> {
    let url = variables.text("EDGE_URL")?.trim_end_matches('/').to_owned();
    if web_host(&url).is_none_or(|rest| rest.contains(['/', '?', '#', '@'])) {
        let form = "it must be scheme and host without a path, as in https://api.example.com";
        variables.problem("EDGE_URL", &format!("is {url:?}; {form}"));
    }
    Some(url)
}

/// These become parts of a URL's path.
fn identifier(variables: &mut Variables<'_>, name: &str, says: &str) -> String {
    let text = variables.required(name, says);
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
        variables.problem(name, &format!("is {text:?}; it must be {says}"));
    }
    text
}

#[cfg(test)]
mod tests;
