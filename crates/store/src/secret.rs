//! The signing secret in Secrets Manager: its staging labels, and the values of its versions.

use aws_sdk_secretsmanager::Client;
use countersign_decision::cache::labels::LabelledVersion;
use zeroize::Zeroizing;

use crate::Unavailable;

/// The labels that make a version's key acceptable. Any other label means nothing to us.
const ACCEPTED: [&str; 3] = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"];

pub struct SigningSecret {
    client: Client,
    id: String,
}

impl SigningSecret {
    /// `id`: the secret's ARN or name.
    pub const fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// The versions that carry an accepted label; a version without a value yet is among them.
    pub async fn labels(&self) -> Result<Vec<LabelledVersion>, Unavailable> {
        let described = self.client.describe_secret().secret_id(&self.id).send().await;
        let described = described.map_err(|error| Unavailable::new("DescribeSecret", &error))?;
        let versions = described.version_ids_to_stages().into_iter().flatten();
        let labelled = versions.filter(|(_, stages)| stages.iter().any(|stage| ACCEPTED.contains(&stage.as_str())));
        Ok(labelled
            .map(|(id, stages)| LabelledVersion {
                id: id.clone(),
                current: stages.iter().any(|stage| stage == "AWSCURRENT"),
            })
            .collect())
    }

    /// One version's value; `None` for a placeholder, which Secrets Manager makes before a rotation
    /// has stored anything.
    pub async fn value(&self, version: &str) -> Result<Option<Zeroizing<String>>, Unavailable> {
        match self.client.get_secret_value().secret_id(&self.id).version_id(version).send().await {
            Ok(value) => Ok(value.secret_string.map(Zeroizing::new)),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => Ok(None),
            Err(error) => Err(Unavailable::new("GetSecretValue", &error)),
        }
    }
}
