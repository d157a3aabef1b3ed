//! Every environment variable, named once. A wrong or missing one stops the start with a message
//! that names it and says what it should be; all of them are reported together.

use countersign_decision::signature::Algorithm;
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
        Config {
            key_table: self.required("KEY_TABLE", "the name of the key table"),
            signing_secret: self.required("SIGNING_SECRET", "the ARN or name of the signing secret"),
            signing_algorithm: self.choice(
                "SIGNING_ALGORITHM",
                Algorithm::HmacSha256,
                Algorithm::parse,
                "hmac-sha256, ed25519 or ecdsa-p256-sha256",
            ),
            cloudflare: self.cloudflare(),
            edge_url: self.edge_url(),
            authorizer_function: self.text("AUTHORIZER_FUNCTION"),
            put_keys: self.choice("PUT_KEYS", false, on_or_off, "on or off"),
            issuer_network: self.choice(
                "ISSUER_NETWORK",
                Network::Public,
                Network::parse,
                "public or, for tests only, any",
            ),
            metrics_namespace: self.text("METRICS_NAMESPACE").unwrap_or_else(|| "Countersign".to_owned()),
        }
    }

    fn cloudflare(&mut self) -> Cloudflare {
        let api = self.text("CLOUDFLARE_API").unwrap_or_else(|| CLOUDFLARE_API.to_owned());
        let api = api.trim_end_matches('/').to_owned();
        if web_host(&api).is_none() {
            self.problem("CLOUDFLARE_API", &format!("is {api:?}; it must be a URL such as {CLOUDFLARE_API}"));
        }
        Cloudflare {
            api,
            account: self.identifier("CLOUDFLARE_ACCOUNT", "the id of the Cloudflare account"),
            namespace: self.identifier("CLOUDFLARE_NAMESPACE", "the id of the KV namespace that the Worker reads"),
            script: self.identifier("CLOUDFLARE_SCRIPT", "the name of the Worker"),
            token: self.required("CLOUDFLARE_TOKEN", "the ARN or name of the secret that holds the API token"),
        }
    }

    fn edge_url(&mut self) -> Option<String> {
        let url = self.text("EDGE_URL")?.trim_end_matches('/').to_owned();
        if web_host(&url).is_none_or(|rest| rest.contains(['/', '?', '#', '@'])) {
            let form = "it must be scheme and host without a path, as in https://api.example.com";
            self.problem("EDGE_URL", &format!("is {url:?}; {form}"));
        }
        Some(url)
    }

    /// These become parts of a URL's path.
    fn identifier(&mut self, name: &str, says: &str) -> String {
        let text = self.required(name, says);
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
            self.problem(name, &format!("is {text:?}; it must be {says}"));
        }
        text
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
            self.problem(name, &format!("is missing; set it to {says}"));
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
}

/// What may be reached under a URL that an operator has configured: private addresses and plain http
/// only where the URL itself says so.
pub fn network_of(url: &str) -> Network {
    let host = web_host(url).unwrap_or_default().split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if url.starts_with("http://") || is_address { Network::Any } else { Network::Public }
}

fn web_host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    (!rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic())).then_some(rest)
}

fn on_or_off(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
