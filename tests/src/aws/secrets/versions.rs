//! The versions of a secret and their staging labels, with Secrets Manager's rules for moving them:
//! a label is on one version at most, AWSPREVIOUS follows AWSCURRENT, and a label that is on a version
//! moves only for a caller who names that version.

use std::collections::BTreeMap;

use super::super::ServiceError;
use super::not_found;

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";

#[derive(Default)]
pub struct Versions(BTreeMap<String, Version>);

#[derive(Default)]
struct Version {
    labels: Vec<String>,
    value: Option<String>,
}

impl Versions {
    pub fn labelled(&self) -> BTreeMap<String, Vec<String>> {
        let labelled = self.0.iter().filter(|(_, version)| !version.labels.is_empty());
        labelled.map(|(id, version)| (id.clone(), version.labels.clone())).collect()
    }

    pub fn holder(&self, label: &str) -> Option<String> {
        let mut versions = self.0.iter();
        versions.find(|(_, version)| version.labels.iter().any(|own| own == label)).map(|(id, _)| id.clone())
    }

    pub fn value(&self, id: &str) -> Option<String> {
        self.0.get(id)?.value.clone()
    }

    /// By hand: replaces a version, labels included.
    pub fn set(&mut self, id: &str, labels: &[&str], value: Option<&str>) {
        self.0.insert(id.to_owned(), Version { labels: Vec::new(), value: value.map(str::to_owned) });
        for label in labels {
            self.attach(label, Some(id));
        }
    }

    /// By hand: takes every label off a version.
    pub fn unlabel(&mut self, id: &str) {
        if let Some(version) = self.0.get_mut(id) {
            version.labels.clear();
        }
    }

    /// PutSecretValue: a version's value is written once; the same again is no change at all.
    pub fn put(&mut self, token: &str, labels: &[&str], value: &str) -> Result<(), ServiceError> {
        check_token(token)?;
        if labels.is_empty() {
            return Err(invalid("You must provide at least one staging label."));
        }
        match self.value(token) {
            Some(there) if there == value => return Ok(()),
            Some(_) => {
                let message = format!(
                    "You can't use ClientRequestToken {token} because that value is already in use for a version of this secret."
                );
                return Err(ServiceError::new("ResourceExistsException", message));
            }
            None => self.0.entry(token.to_owned()).or_default().value = Some(value.to_owned()),
        }
        for label in labels {
            self.move_to(label, Some(token));
        }
        Ok(())
    }

    /// UpdateSecretVersionStage.
    pub fn move_label(&mut self, label: &str, to: Option<&str>, from: Option<&str>) -> Result<(), ServiceError> {
        if let Some(unknown) = to.into_iter().chain(from).find(|id| !self.0.contains_key(*id)) {
            return Err(not_found(&format!("Secrets Manager can't find the secret version {unknown}.")));
        }
        let holder = self.holder(label);
        match (&holder, from) {
            (Some(holder), _) if to == Some(holder.as_str()) && from.is_none() => return Ok(()),
            (Some(holder), None) => {
                return Err(invalid(format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to \
                     version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
                )));
            }
            (holder, Some(from)) if holder.as_deref() != Some(from) => {
                return Err(invalid(format!(
                    "The parameter RemoveFromVersionId is not valid: staging label {label} is not attached to version {from}."
                )));
            }
            (None, None) if to.is_none() => return Err(invalid("You must provide a version.")),
            _ => {}
        }
        if label == CURRENT && to.is_none() {
            return Err(invalid("You can't remove the staging label AWSCURRENT from a version without moving it."));
        }
        self.move_to(label, to);
        Ok(())
    }

    /// RotateSecret: an AWSPENDING that is not on the current version is a rotation under way, and
    /// nobody's token gets past it.
    pub fn begin_rotation(&mut self, token: &str) -> Result<(), ServiceError> {
        check_token(token)?;
        let pending = self.holder(PENDING);
        if pending.is_some() && pending != self.holder(CURRENT) {
            let message = "A previous rotation isn't complete. That rotation will be reattempted.";
            return Err(ServiceError::new("InvalidRequestException", message));
        }
        if !self.0.contains_key(token) {
            self.0.insert(token.to_owned(), Version::default());
            self.attach(PENDING, Some(token));
        }
        Ok(())
    }

    fn move_to(&mut self, label: &str, to: Option<&str>) {
        let left = self.holder(label).filter(|left| to != Some(left.as_str()));
        self.attach(label, to);
        if label == CURRENT && left.is_some() {
            self.attach(PREVIOUS, left.as_deref());
        }
    }

    fn attach(&mut self, label: &str, to: Option<&str>) {
        for version in self.0.values_mut() {
            version.labels.retain(|own| own != label);
        }
        if let Some(version) = to.and_then(|id| self.0.get_mut(id)) {
            version.labels.push(label.to_owned());
        }
    }
}

fn check_token(token: &str) -> Result<(), ServiceError> {
    if (32..=64).contains(&token.len()) {
        return Ok(());
    }
    Err(invalid("ClientRequestToken must be 32-64 characters long."))
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterException", message)
}
