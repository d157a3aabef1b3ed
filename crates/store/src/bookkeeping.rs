//! `sync#<name>`: key-sync's notes to itself, from one run to the next.
//!
//! What a note says is for whoever writes it; here it is a map of attributes beside the `pk`. Notes are
//! written under a lease, so they need no condition of their own.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{KeyTable, Unavailable};

impl KeyTable {
    /// # Errors
    /// Also where the note is there and cannot be read: acting as if there were none could do harm.
    pub async fn read_note<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Unavailable> {
        let pk = pk(name);
        let note = self.read(pk.clone()).await?.transpose();
        note.map_err(|wrong| Unavailable::answer(&pk, wrong))
    }

    /// `note` must serialise to a map without a member `pk`.
    pub async fn write_note(&self, name: &str, note: &impl Serialize) -> Result<(), Unavailable> {
        self.put(pk(name), note).await
    }

    /// Succeeds where there is none.
    pub async fn remove_note(&self, name: &str) -> Result<(), Unavailable> {
        let removed = self.delete_item(pk(name)).send().await;
        removed.map(drop).map_err(|error| Unavailable::of("DeleteItem", &error))
    }
}

fn pk(name: &str) -> String {
    format!("sync#{name}")
}
