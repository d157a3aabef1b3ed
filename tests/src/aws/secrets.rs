//! A Secrets Manager of one secret with versions and staging labels, in JSON 1.1, and of plain secrets
//! beside it that are only read.
//!
//! A version may be labelled and have no value yet, as in the first moments of a rotation:
//! DescribeSecret lists it, GetSecretValue does not find it. RotateSecret makes such a version; the
//! steps that follow are for whoever plays the rotation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Dialect, Service, ServiceError};
use versions::Versions;

mod versions;

pub struct Secret {
    pub service: Service,
    arn: String,
    state: Arc<Mutex<State>>,
}

struct State {
    arn: String,
    name: String,
    versions: Versions,
    rotation_enabled: bool,
    /// Reads of a version's value that still find nothing.
    unreadable: BTreeMap<String, u32>,
    others: BTreeMap<String, String>,
}

impl Secret {
    pub async fn start(name: &str) -> Self {
        let arn = format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf");
        let state = Arc::new(Mutex::new(State {
            arn: arn.clone(),
            name: name.to_owned(),
            versions: Versions::default(),
            rotation_enabled: true,
            unreadable: BTreeMap::new(),
            others: BTreeMap::new(),
        }));
        let dialect = Dialect {
            target_prefix: "secretsmanager.",
            content_type: "application/x-amz-json-1.1",
            throttled: "ThrottlingException",
            key_of: |input| {
                let version = ["VersionId", "ClientRequestToken"].map(|name| input[name].as_str());
                version.into_iter().flatten().next().unwrap_or_default().to_owned()
            },
        };
        let service = Service::start(dialect, {
            let state = state.clone();
            move |operation, input| state.lock().unwrap().perform(operation, input)
        })
        .await;
        Self { service, arn, state }
    }

    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Adds or replaces a version. Its labels are taken from whichever version had them, as
    /// UpdateSecretVersionStage does, but AWSPREVIOUS stays; `None` is a placeholder without a value.
    pub fn put(&self, version_id: &str, labels: &[&str], value: Option<&str>) {
        self.state.lock().unwrap().versions.set(version_id, labels, value);
    }

    /// Takes every label off a version: it is readable by id and no longer to be accepted.
    pub fn unlabel(&self, version_id: &str) {
        self.state.lock().unwrap().versions.unlabel(version_id);
    }

    /// Adds a secret of another name, with a value that is only read.
    pub fn put_other(&self, name: &str, value: &str) {
        self.state.lock().unwrap().others.insert(name.to_owned(), value.to_owned());
    }

    /// All labelled versions with their labels.
    pub fn labels(&self) -> BTreeMap<String, Vec<String>> {
        self.state.lock().unwrap().versions.labelled()
    }

    /// Tells whether a version carries any label, whenever it is asked.
    pub fn labelled(&self) -> impl Fn(&str) -> bool + Send + Sync + 'static {
        let state = self.state.clone();
        move |version| state.lock().unwrap().versions.labelled().contains_key(version)
    }

    /// The version that carries a label.
    pub fn holder(&self, label: &str) -> Option<String> {
        self.state.lock().unwrap().versions.holder(label)
    }

    pub fn value(&self, version_id: &str) -> Option<String> {
        self.state.lock().unwrap().versions.value(version_id)
    }

    /// Starts a rotation as the schedule does: a placeholder, labelled AWSPENDING.
    ///
    /// # Errors
    /// Secrets Manager's words, where another rotation is not finished or rotation is off.
    pub fn rotate(&self, token: &str) -> Result<(), String> {
        let started = self.state.lock().unwrap().rotate(token);
        started.map_err(|error| error.message)
    }

    pub fn set_rotation_enabled(&self, enabled: bool) {
        self.state.lock().unwrap().rotation_enabled = enabled;
    }

    /// Keeps a version's value from the next reads of it, as just after it was stored.
    pub fn delay_value(&self, version_id: &str, reads: u32) {
        self.state.lock().unwrap().unreadable.insert(version_id.to_owned(), reads);
    }
}

impl State {
    fn perform(&mut self, operation: &str, input: &Value) -> Result<Value, ServiceError> {
        if let Some(value) = input["SecretId"].as_str().and_then(|id| self.others.get(id)) {
            return match operation {
                "GetSecretValue" => {
                    Ok(json!({ "Name": input["SecretId"], "VersionId": "only", "SecretString": value }))
                }
                _ => Err(ServiceError::new("AccessDeniedException", "this secret is only read")),
            };
        }
        if input["SecretId"] != self.arn && input["SecretId"] != self.name {
            return Err(not_found("Secrets Manager can't find the specified secret."));
        }
        match operation {
            "DescribeSecret" => Ok(self.describe()),
            "GetSecretValue" => self.get_value(input),
            "PutSecretValue" => self.put_value(input),
            "UpdateSecretVersionStage" => self.update_stage(input),
            "RotateSecret" => {
                let token = required(input, "ClientRequestToken")?;
                self.rotate(token)?;
                Ok(json!({ "ARN": self.arn, "Name": self.name, "VersionId": token }))
            }
            other => Err(ServiceError::new("InvalidAction", format!("no {other} here"))),
        }
    }

    fn describe(&self) -> Value {
        let stages = self.versions.labelled();
        json!({
            "ARN": self.arn,
            "Name": self.name,
            "RotationEnabled": self.rotation_enabled,
            "VersionIdsToStages": stages,
        })
    }

    fn get_value(&mut self, input: &Value) -> Result<Value, ServiceError> {
        let missing = || not_found("Secrets Manager can't find the specified secret value.");
        let (by_id, label) = (input["VersionId"].as_str(), input["VersionStage"].as_str());
        let id = match (by_id, label) {
            (Some(id), None) => Some(id.to_owned()),
            (Some(id), Some(label)) => self.versions.holder(label).filter(|holder| holder == id),
            (None, label) => self.versions.holder(label.unwrap_or("AWSCURRENT")),
        };
        let id = id.ok_or_else(missing)?;
        if let Some(reads) = self.unreadable.get_mut(&id).filter(|reads| **reads > 0) {
            *reads -= 1;
            return Err(missing());
        }
        let value = self.versions.value(&id).ok_or_else(missing)?;
        Ok(json!({
            "ARN": self.arn,
            "Name": self.name,
            "VersionId": id,
            "VersionStages": self.versions.labelled().remove(&id).unwrap_or_default(),
            "SecretString": value,
            "CreatedDate": 1_763_800_000.5,
        }))
    }

    fn put_value(&mut self, input: &Value) -> Result<Value, ServiceError> {
        let (token, value) = (required(input, "ClientRequestToken")?, required(input, "SecretString")?);
        let labels: Vec<_> = match input["VersionStages"].as_array() {
            Some(labels) => labels.iter().filter_map(Value::as_str).collect(),
            None => vec!["AWSCURRENT"],
        };
        self.versions.put(token, &labels, value)?;
        Ok(json!({ "ARN": self.arn, "Name": self.name, "VersionId": token, "VersionStages": labels }))
    }

    fn update_stage(&mut self, input: &Value) -> Result<Value, ServiceError> {
        let label = required(input, "VersionStage")?;
        self.versions.move_label(label, input["MoveToVersionId"].as_str(), input["RemoveFromVersionId"].as_str())?;
        Ok(json!({ "ARN": self.arn, "Name": self.name }))
    }

    fn rotate(&mut self, token: &str) -> Result<(), ServiceError> {
        if !self.rotation_enabled {
            let message = "No Lambda rotation function ARN is associated with this secret.";
            return Err(ServiceError::new("InvalidRequestException", message));
        }
        self.versions.begin_rotation(token)
    }
}

fn required<'a>(input: &'a Value, name: &str) -> Result<&'a str, ServiceError> {
    let missing = || ServiceError::new("InvalidParameterException", format!("You must provide {name}."));
    input[name].as_str().filter(|value| !value.is_empty()).ok_or_else(missing)
}

fn not_found(message: &str) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message)
}
