//! The store's calls through the real SDK against fakes with the services' own rules: what is written,
//! what a condition refuses, and that an answer which never came is neither lost nor applied twice.

use countersign_decision::time::Timestamp;
use countersign_store::{KeyTable, SigningSecret};
use countersign_tests::aws::clients;
use countersign_tests::aws::dynamodb::Table;
use countersign_tests::aws::secrets::Secret;

mod entries;
mod errors;
mod gate;
mod items;
mod lease;
mod secret;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

async fn table() -> (Table, KeyTable) {
    let fake = Table::start("countersign-keys").await;
    let table = clients::key_table(&fake, &fake.service.url());
    (fake, table)
}

async fn secret() -> (Secret, SigningSecret) {
    let fake = Secret::start("countersign-signing").await;
    let secret = clients::signing_secret(&fake, &fake.service.url());
    (fake, secret)
}
