//! What a deployment says about its back ends, and what they are told.

use std::time::Duration;

use countersign_function::variables::{Variables, on_or_off};

use super::list::BackendList;
use crate::outgoing::Rules;
use crate::outgoing::identity_headers::IdentityHeaders;

pub struct Settings {
    pub list: BackendList,
    /// How long a request may take behind the forwarder.
    pub patience: Duration,
    pub rules: Rules,
}

/// Below the 29 and 30 s after which gateways give up unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(25);
/// REST APIs can be told to wait longer; five minutes are the most that is useful.
const LONGEST_PATIENCE: u64 = 300;

impl Settings {
    /// What is wrong is told to `variables`.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let list = BackendList::read(variables);
        let patience = variables.choice("BACKEND_TIMEOUT", PATIENCE, seconds, "1 to 300 seconds");
        let identity = variables
            .text("IDENTITY_HEADERS")
            .map_or_else(|| Ok(IdentityHeaders::default()), |text| IdentityHeaders::parse(&text));
        let identity = identity.unwrap_or_else(|says| {
            variables.problem("IDENTITY_HEADERS", &says);
            IdentityHeaders::default()
        });
        let api_key_header = variables.api_key_header();
        let credentials = ["authorization", api_key_header.as_str()];
        let hides = variables.choice("HIDE_CREDENTIALS", false, on_or_off, "on or off");
        Self { list, patience, rules: Rules::new(identity, if hides { &credentials } else { &[] }) }
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|seconds| (1..=LONGEST_PATIENCE).contains(seconds)).map(Duration::from_secs)
}
