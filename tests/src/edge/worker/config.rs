//! The configuration that workerd reads: the bundle, what it may reach, and its bindings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::binary;
use crate::cloudflare::Binding;

/// What is the same for every version of a Worker.
pub struct Config {
    /// Where its KV namespace is served.
    pub store: String,
    /// Where all arrives that it fetches.
    pub outbound: String,
    pub variables: BTreeMap<String, String>,
    /// Whether its clock can be moved, at the socket `clock`.
    pub moves_clock: bool,
}

const CLOCK: &[u8] = include_bytes!("clock.js");
const TIER: &[u8] = include_bytes!("tier.js");

impl Config {
    pub const fn sockets(&self) -> &'static [&'static str] {
        if self.moves_clock { &["http", "clock"] } else { &["http"] }
    }

    /// Whether log lines leave through the gateway's door, a while after their requests.
    pub fn sends_logs(&self) -> bool {
        self.variables.get("DOORS").is_some_and(|doors| doors == "on")
    }

    /// All files of a version with these secrets.
    pub fn files<'f>(&self, bundle: &'f [u8], text: &'f str) -> Vec<(&'static str, &'f [u8])> {
        vec![("config.capnp", text.as_bytes()), ("worker.js", bundle), ("clock.js", CLOCK), ("tier.js", TIER)]
    }

    pub fn text(&self, secrets: &BTreeMap<String, Binding>) -> String {
        let Self { store, outbound, .. } = self;
        let modules = if self.moves_clock { &["clock.js", "worker.js"][..] } else { &["worker.js"] };
        let modules = modules.iter().map(|name| format!("(name = \"{name}\", esModule = embed \"{name}\")"));
        let sockets = self.sockets().iter().map(|name| {
            let service = if *name == "clock" { "(name = \"edge\", entrypoint = \"clock\")" } else { "\"edge\"" };
            format!("(name = \"{name}\", address = \"127.0.0.1:0\", http = (), service = {service})")
        });
        format!(
            r#"@0xc4a3b1d2e5f60718;
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "store", external = (address = "{store}", http = ())),
    (name = "outbound", external = (address = "{outbound}", http = ())),
    (name = "objects", disk = (writable = true)),
  ],
  sockets = [{}],
  extensions = [(modules = [(name = "countersign:tier", internal = true, esModule = embed "tier.js")])],
);
const edge :Workerd.Worker = (
  modules = [{}],
  compatibilityDate = "{}",
  globalOutbound = "outbound",
  durableObjectNamespaces = [(className = "Counter", uniqueKey = "counter", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [
    {},
  ],
);
"#,
            joined(sockets),
            joined(modules),
            compatibility_date(),
            joined(self.bindings(secrets)),
        )
    }

    fn bindings(&self, secrets: &BTreeMap<String, Binding>) -> impl Iterator<Item = String> {
        let store = named("COUNTERSIGN", "kvNamespace = \"store\"");
        let variables = self.variables.iter().map(|(name, value)| named(name, &format!("text = {}", quoted(value))));
        let secrets = secrets.iter().map(|(name, binding)| named(name, &secret(binding)));
        std::iter::once(store).chain(variables).chain(secrets).chain(self.tiers())
    }

    /// The bindings that the variable `TIERS` speaks of. What they have counted ends with the version.
    fn tiers(&self) -> BTreeSet<String> {
        let tiers = self.variables.get("TIERS").map_or("{}", String::as_str);
        let tiers: BTreeMap<String, Value> = serde_json::from_str(tiers).expect("TIERS is a JSON object");
        tiers.values().map(tier).collect()
    }
}

/// Durable Objects, or a rate limit, whose numbers the binding knows too.
fn tier(tier: &Value) -> String {
    if let Some(object) = tier["object"].as_str() {
        return named(object, "durableObjectNamespace = \"Counter\"");
    }
    let number = |name: &str| tier[name].as_u64().expect("limit and period are numbers");
    let inner = ["limit", "period"].map(|name| format!("(name = \"{name}\", json = \"{}\")", number(name)));
    let wrapped = format!("wrapped = (moduleName = \"countersign:tier\", innerBindings = [{}])", inner.join(", "));
    named(tier["binding"].as_str().expect("a tier names its binding"), &wrapped)
}

fn secret(binding: &Binding) -> String {
    match binding {
        Binding::Text(text) => format!("text = {}", quoted(text)),
        Binding::Key { algorithm, format, usages, key_base64 } => {
            let key = match format.as_str() {
                "raw" => format!("base64 = {}", quoted(key_base64)),
                "pkcs8" => format!("pkcs8 = {}", quoted(&pem(key_base64))),
                other => panic!("no such format of a key: {other}"),
            };
            let algorithm = quoted(&algorithm.to_string());
            format!("cryptoKey = ({key}, algorithm = (json = {algorithm}), usages = [{}])", usages.join(", "))
        }
    }
}

fn pem(der_base64: &str) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{der_base64}\n-----END PRIVATE KEY-----\n")
}

/// The one that the Worker is deployed with.
fn compatibility_date() -> String {
    let settings = binary::repository().join("infra/edge-worker/wrangler.jsonc");
    let settings = std::fs::read_to_string(settings).expect("the Worker has its settings");
    let date = settings.split("\"compatibility_date\": \"").nth(1).and_then(|rest| rest.split('"').next());
    date.expect("the Worker has a compatibility date").to_owned()
}

fn named(name: &str, binding: &str) -> String {
    format!("(name = {}, {binding})", quoted(name))
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",\n    ")
}

/// A text as Cap'n Proto's schema language writes it.
fn quoted(text: &str) -> String {
    assert!(text.bytes().all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte)), "not plain: {text}");
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
