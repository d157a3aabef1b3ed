//! Which key lies in which of the edge's two slots: what the staging labels ask for.
//!
//! Pure. A layout always has exactly one active key, by its type. Which key that is follows from the
//! labels and, between the commitment of a rotation and the move of AWSCURRENT, from that commitment.

use std::collections::BTreeSet;

use countersign_store::secret::{CURRENT, Description, PENDING, PREVIOUS};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    A,
    B,
}

impl Slot {
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

/// The edge's two slots. The keys are named by `keyid`, the VersionId of their value.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Layout {
    /// The slot of the active key; the standby is in the other one.
    pub slot: Slot,
    /// The edge signs with it.
    pub active: String,
    /// Loaded, and used for nothing but a proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<String>,
}

impl Layout {
    pub fn key_in(&self, slot: Slot) -> Option<&str> {
        if slot == self.slot { Some(&self.active) } else { self.standby.as_deref() }
    }

    /// The same keys in the same roles, whichever slots they lie in.
    pub fn has_roles_of(&self, other: &Self) -> bool {
        self.active == other.active && self.standby == other.standby
    }
}

/// The three labels that make a key acceptable, and the version that each is on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Labels {
    pub current: Option<String>,
    pub pending: Option<String>,
    pub previous: Option<String>,
}

impl Labels {
    pub fn of(described: &Description) -> Self {
        let holder = |label| described.holder(label).map(str::to_owned);
        Self { current: holder(CURRENT), pending: holder(PENDING), previous: holder(PREVIOUS) }
    }

    /// AWSPENDING where it means a rotation: on the version that is AWSCURRENT it means nothing.
    pub fn rotating(&self) -> Option<&str> {
        self.pending.as_deref().filter(|pending| self.current.as_deref() != Some(pending))
    }

    /// Every labelled version, each once.
    pub fn versions(&self) -> BTreeSet<&str> {
        [&self.current, &self.pending, &self.previous].into_iter().flatten().map(String::as_str).collect()
    }

    pub fn has(&self, keyid: &str) -> bool {
        self.versions().contains(keyid)
    }
}

/// What the edge should hold. `usable`: the versions whose value is a key. `promoted`: the version
/// that a rotation is committed to. `last`: what was pushed last, so that a key stays where it is.
///
/// `None`: there is no key to sign with.
pub fn expected(
    labels: &Labels,
    usable: &BTreeSet<String>,
    promoted: Option<&str>,
    last: Option<&Layout>,
) -> Option<Layout> {
    let usable = |version: Option<&str>| version.filter(|version| usable.contains(*version)).map(str::to_owned);
    let current = usable(labels.current.as_deref());
    let rotating = usable(labels.rotating());
    let previous = usable(labels.previous.as_deref());
    let (active, standby) = match rotating {
        Some(pending) if promoted == Some(&pending) => (pending, current),
        pending => (current?, pending.or(previous)),
    };
    let standby = standby.filter(|standby| *standby != active);
    Some(Layout { slot: slot_for(&active, last), active, standby })
}

fn slot_for(active: &str, last: Option<&Layout>) -> Slot {
    match last {
        Some(last) if last.active == active => last.slot,
        Some(last) => last.slot.other(),
        None => Slot::A,
    }
}
