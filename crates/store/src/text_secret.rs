//! A secret that is one piece of text and is only read, such as an API token.

use aws_sdk_secretsmanager::Client;
use zeroize::Zeroizing;

use crate::Unavailable;

/// The current value of the secret `id` (ARN or name); `None` where it has none, or binary ones only.
pub async fn current_text(client: &Client, id: &str) -> Result<Option<Zeroizing<String>>, Unavailable> {
    let answer = client.get_secret_value().secret_id(id).send().await;
    let value = answer.map_err(|error| Unavailable::of("GetSecretValue", &error))?;
    Ok(value.secret_string.map(Zeroizing::new))
}
