//! What the edge proves about itself, slot by slot, and how that differs from what it should hold.

use crate::edge_keys::layout::Layout;

/// What the edge's gateway probe answers where everything is well.
pub const PASSED: u16 = 204;

/// The edge as it was last asked. Pure data.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum EdgeState {
    /// There is no `EDGE_URL` to ask.
    #[default]
    NotAsked,
    /// It did not answer, or not as an edge of ours does.
    Unreachable(String),
    Answered {
        active: Answer,
        /// `None`: it was not asked. Its answer takes a signature with the key that lies there.
        standby: Option<Answer>,
        /// The Worker's deployment, where one version of it serves all traffic. Looked up only where
        /// something depends on it: labels that may move, or an answer that was not expected.
        deployment: Option<String>,
    },
}

/// The answer of one slot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// A labelled key, possession proved; and what the gateway answered to a request signed with it.
    Proved {
        keyid: String,
        gateway_status: u16,
    },
    /// A key that no label is on, or one that is not what it is called.
    Other {
        keyid: String,
    },
    Empty,
    /// It did not accept the signature of any labelled key: it has none of them.
    Unverified,
}

/// How the edge differs from the expected layout.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Difference {
    /// No key that is labelled.
    Lost,
    /// It signs with another key than it should.
    Active {
        found: String,
    },
    Standby {
        found: Option<String>,
    },
}

impl EdgeState {
    /// `None`: as expected, or not known.
    pub fn differs_from(&self, expected: &Layout) -> Option<Difference> {
        let Self::Answered { active, standby, .. } = self else { return None };
        match active {
            Answer::Proved { keyid, .. } if *keyid == expected.active => {}
            Answer::Proved { keyid, .. } | Answer::Other { keyid } => {
                return Some(Difference::Active { found: keyid.clone() });
            }
            Answer::Empty | Answer::Unverified => return Some(Difference::Lost),
        }
        match (standby.as_ref()?, expected.standby.as_deref()) {
            (Answer::Proved { keyid, .. }, Some(wanted)) if keyid == wanted => None,
            (Answer::Empty, None) => None,
            (Answer::Proved { keyid, .. } | Answer::Other { keyid }, _) => {
                Some(Difference::Standby { found: Some(keyid.clone()) })
            }
            (Answer::Empty | Answer::Unverified, _) => Some(Difference::Standby { found: None }),
        }
    }

    /// The Worker's deployment, where it is known and one version of it serves all traffic.
    pub fn deployment(&self) -> Option<&str> {
        match self {
            Self::Answered { deployment, .. } => deployment.as_deref(),
            Self::NotAsked | Self::Unreachable(_) => None,
        }
    }

    /// Whether it has proved that it signs with this key.
    pub fn signs_with(&self, wanted: &str) -> bool {
        matches!(self, Self::Answered { active: Answer::Proved { keyid, .. }, .. } if keyid == wanted)
    }

    /// Whether it signs with this key, and the gateway lets it pass.
    pub fn passes_with(&self, wanted: &str) -> bool {
        matches!(self, Self::Answered { active, .. } if self.signs_with(wanted) && active.gateway_status() == Some(PASSED))
    }
}

impl Answer {
    pub const fn gateway_status(&self) -> Option<u16> {
        match self {
            Self::Proved { gateway_status, .. } => Some(*gateway_status),
            Self::Other { .. } | Self::Empty | Self::Unverified => None,
        }
    }
}

impl Difference {
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Lost => "the edge has no labelled key",
            Self::Active { .. } => "the edge signs with another key than the labels say",
            Self::Standby { .. } => "the edge's standby is not the one that the labels say",
        }
    }
}
