//! The signing secret in Secrets Manager: its staging labels, the values of its versions, and the few
//! calls that change either.
//!
//! Each change is safe to repeat and says when it met another one: a version's value is written once,
//! and a label moves only away from the version that the caller saw it on.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use aws_sdk_secretsmanager::operation::rotate_secret::RotateSecretError;
use aws_sdk_secretsmanager::operation::update_secret_version_stage::UpdateSecretVersionStageError;
use countersign_decision::cache::labels::LabelledVersion;
use zeroize::Zeroizing;

use crate::Unavailable;

/// The labels that make a version's key acceptable. Any other label means nothing to us.
const ACCEPTED: [&str; 3] = [CURRENT, PENDING, PREVIOUS];
pub const CURRENT: &str = "AWSCURRENT";
pub const PENDING: &str = "AWSPENDING";
pub const PREVIOUS: &str = "AWSPREVIOUS";

pub struct SigningSecret {
    client: Client,
    id: String,
}

/// The secret as Secrets Manager describes it. No value is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Description {
    pub rotation_enabled: bool,
    /// VersionId to staging labels: every version that carries one, whether or not it has a value.
    pub versions: BTreeMap<String, Vec<String>>,
}

impl Description {
    /// The version that carries `label`; no two ever do.
    pub fn holder(&self, label: &str) -> Option<&str> {
        let mut versions = self.versions.iter();
        versions.find(|(_, labels)| labels.iter().any(|own| own == label)).map(|(id, _)| id.as_str())
    }
}

/// What came of storing a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Put {
    /// It is there, written now or by an earlier attempt.
    Stored,
    /// The version has another value already, and keeps it.
    OtherValueThere,
}

/// What came of moving a label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Moved {
    Done,
    /// The label was not where the caller saw it; in Secrets Manager's words.
    Conflict(String),
}

/// What came of asking for a rotation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Started {
    Yes,
    /// Another rotation is not finished, or none is set up; in Secrets Manager's words.
    Conflict(String),
}

impl SigningSecret {
    /// `id`: the secret's ARN or name.
    pub const fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// The versions that carry an accepted label; a version without a value yet is among them.
    pub async fn labels(&self) -> Result<Vec<LabelledVersion>, Unavailable> {
        let versions = self.describe().await?.versions.into_iter();
        let labelled = versions.filter(|(_, labels)| labels.iter().any(|label| ACCEPTED.contains(&label.as_str())));
        Ok(labelled
            .map(|(id, labels)| LabelledVersion { id, current: labels.iter().any(|label| label == CURRENT) })
            .collect())
    }

    pub async fn describe(&self) -> Result<Description, Unavailable> {
        let described = self.client.describe_secret().secret_id(&self.id).send().await;
        let described = described.map_err(|error| Unavailable::of("DescribeSecret", &error))?;
        Ok(Description {
            rotation_enabled: described.rotation_enabled.unwrap_or(false),
            versions: described.version_ids_to_stages.into_iter().flatten().collect(),
        })
    }

    /// One version's value; `None` for a placeholder, which Secrets Manager makes before a rotation
    /// has stored anything.
    pub async fn value(&self, version: &str) -> Result<Option<Zeroizing<String>>, Unavailable> {
        match self.client.get_secret_value().secret_id(&self.id).version_id(version).send().await {
            Ok(value) => Ok(value.secret_string.map(Zeroizing::new)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => Ok(None),
            Err(error) => Err(Unavailable::of("GetSecretValue", &error)),
        }
    }

    /// Stores the value of the version `token` and labels it AWSPENDING. The label is named: a put
    /// that names none moves AWSCURRENT at once. `rotation_token`: as the rotation's event has it.
    pub async fn put_pending(
        &self,
        token: &str,
        value: &Zeroizing<String>,
        rotation_token: Option<&str>,
    ) -> Result<Put, Unavailable> {
        let put = self
            .client
            .put_secret_value()
            .secret_id(&self.id)
            .client_request_token(token)
            .version_stages(PENDING)
            .set_rotation_token(rotation_token.map(str::to_owned))
            .secret_string(value.as_str());
        match put.send().await {
            Ok(_) => Ok(Put::Stored),
            Err(error) => match error.as_service_error() {
                Some(PutSecretValueError::ResourceExistsException(_)) => Ok(Put::OtherValueThere),
                _ => Err(Unavailable::of("PutSecretValue", &error)),
            },
        }
    }

    /// Moves `label` from one version to another; `to: None` removes it, `from: None` attaches one that
    /// no version has. AWSPREVIOUS follows AWSCURRENT by itself.
    pub async fn move_label(&self, label: &str, to: Option<&str>, from: Option<&str>) -> Result<Moved, Unavailable> {
        let update = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.id)
            .version_stage(label)
            .set_move_to_version_id(to.map(str::to_owned))
            .set_remove_from_version_id(from.map(str::to_owned));
        let Err(error) = update.send().await else { return Ok(Moved::Done) };
        let Some(UpdateSecretVersionStageError::InvalidParameterException(refused)) = error.as_service_error() else {
            return Err(Unavailable::of("UpdateSecretVersionStage", &error));
        };
        // The first attempt of a retried call meets its own effect, and no other move ends like this one.
        if self.describe().await?.holder(label) == to {
            return Ok(Moved::Done);
        }
        Ok(Moved::Conflict(refused.to_string()))
    }

    /// Starts a rotation at once, under the schedule and by the function that are set up already.
    /// `token` becomes the new version's id: 32 to 64 characters.
    pub async fn start_rotation(&self, token: &str) -> Result<Started, Unavailable> {
        let rotate =
            self.client.rotate_secret().secret_id(&self.id).client_request_token(token).rotate_immediately(true);
        let Err(error) = rotate.send().await else { return Ok(Started::Yes) };
        let Some(RotateSecretError::InvalidRequestException(refused)) = error.as_service_error() else {
            return Err(Unavailable::of("RotateSecret", &error));
        };
        // As above: our own first attempt may be what is in the way.
        if self.describe().await?.versions.contains_key(token) {
            return Ok(Started::Yes);
        }
        Ok(Started::Conflict(refused.to_string()))
    }
}
