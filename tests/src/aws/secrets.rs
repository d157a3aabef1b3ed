//! A Secrets Manager of one secret: DescribeSecret and GetSecretValue, in JSON 1.1.
//!
//! A version may be labelled and have no value yet, as in the first moments of a rotation:
//! DescribeSecret lists it, GetSecretValue does not find it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Dialect, Service, ServiceError};

#[derive(Clone)]
struct Version {
    labels: Vec<String>,
    value: Option<String>,
}

type Versions = Arc<Mutex<BTreeMap<String, Version>>>;

pub struct Secret {
    pub service: Service,
    arn: String,
    versions: Versions,
}

impl Secret {
    pub async fn start(name: &str) -> Self {
        let arn = format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf");
        let versions = Versions::default();
        let dialect = Dialect {
            target_prefix: "secretsmanager.",
            content_type: "application/x-amz-json-1.1",
            throttled: "ThrottlingException",
            key_of: |input| input["VersionId"].as_str().unwrap_or_default().to_owned(),
        };
        let service = Service::start(dialect, {
            let (arn, name, versions) = (arn.clone(), name.to_owned(), versions.clone());
            move |operation, input| perform(&arn, &name, &versions.lock().unwrap(), operation, input)
        })
        .await;
        Self { service, arn, versions }
    }

    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Adds or replaces a version. Its labels are taken from whichever version had them, as
    /// UpdateSecretVersionStage does; `None` is a placeholder without a value.
    pub fn put(&self, version_id: &str, labels: &[&str], value: Option<&str>) {
        let mut versions = self.versions.lock().unwrap();
        for version in versions.values_mut() {
            version.labels.retain(|label| !labels.contains(&label.as_str()));
        }
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        versions.insert(version_id.to_owned(), Version { labels, value: value.map(str::to_owned) });
    }

    /// Takes every label off a version: it is readable by id and no longer to be accepted.
    pub fn unlabel(&self, version_id: &str) {
        if let Some(version) = self.versions.lock().unwrap().get_mut(version_id) {
            version.labels.clear();
        }
    }
}

fn perform(
    arn: &str,
    name: &str,
    versions: &BTreeMap<String, Version>,
    operation: &str,
    input: &Value,
) -> Result<Value, ServiceError> {
    if input["SecretId"] != arn && input["SecretId"] != name {
        return Err(not_found("Secrets Manager can't find the specified secret."));
    }
    match operation {
        "DescribeSecret" => Ok(describe(arn, name, versions)),
        "GetSecretValue" => get_value(arn, name, versions, input),
        other => Err(ServiceError::new("InvalidAction", format!("no {other} here"))),
    }
}

fn describe(arn: &str, name: &str, versions: &BTreeMap<String, Version>) -> Value {
    let labelled = versions.iter().filter(|(_, version)| !version.labels.is_empty());
    let stages: BTreeMap<_, _> = labelled.map(|(id, version)| (id, &version.labels)).collect();
    json!({ "ARN": arn, "Name": name, "RotationEnabled": true, "VersionIdsToStages": stages })
}

fn get_value(
    arn: &str,
    name: &str,
    versions: &BTreeMap<String, Version>,
    input: &Value,
) -> Result<Value, ServiceError> {
    let by_id = input["VersionId"].as_str();
    let label = input["VersionStage"].as_str();
    let wanted = |id: &str, version: &Version| match (by_id, label) {
        (None, None) => version.labels.iter().any(|own| own == "AWSCURRENT"),
        _ => {
            by_id.is_none_or(|by_id| by_id == id)
                && label.is_none_or(|label| version.labels.iter().any(|own| own == label))
        }
    };
    let found = versions.iter().find(|(id, version)| wanted(id, version));
    let Some((id, Version { labels, value: Some(value) })) = found else {
        return Err(not_found("Secrets Manager can't find the specified secret value."));
    };
    Ok(json!({
        "ARN": arn,
        "Name": name,
        "VersionId": id,
        "VersionStages": labels,
        "SecretString": value,
        "CreatedDate": 1_763_800_000.5,
    }))
}

fn not_found(message: &str) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message)
}
