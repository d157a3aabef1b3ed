//! What key-sync can be asked to do. Where the request came from is known to `event`, how each job is
//! done to the module of its name.

use aws_lambda_events::dynamodb::EventRecord;
use serde_json::Value;

pub enum Job {
    Rotation(Rotation),
    /// Changes of the key table, in the order of their shard.
    Stream(Vec<EventRecord>),
    /// The schedule: repairs, retirement, key sets, and the comparison of table and edge.
    Tick,
    Direct(Direct, DryRun),
}

/// One step of a rotation, as Secrets Manager asks for it.
pub struct Rotation {
    pub step: Step,
    /// The secret's ARN. It is ours: `event` has checked that.
    pub secret: String,
    /// The VersionId of the new value, so the new key's `keyid`.
    pub token: String,
    /// Present where Secrets Manager rotates under an assumed role: `PutSecretValue` must return it.
    pub rotation_token: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    Create,
    Set,
    Test,
    Finish,
}

/// What an operator invokes the function for.
pub enum Direct {
    /// The first push of signing keys to the edge.
    Bootstrap,
    /// Publishes the present state of these records (`key#…`, `issuer#…`, `route#…`); of all that
    /// differ where none is named.
    Sync {
        names: Vec<String>,
    },
    /// Compares table and edge, and repairs the edge.
    Reconcile {
        allow_deletions: bool,
    },
    /// Ends the life of keys whose overlap has run.
    Retire,
    MirrorJwks,
    /// Records from a team's own key system, judged line by line.
    PutKeys {
        keys: Vec<Value>,
    },
    RotateEmergency,
    Status,
}

/// Whether a job only says what it would do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DryRun {
    Yes,
    No,
}

impl Step {
    /// As Secrets Manager writes it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Create, Self::Set, Self::Test, Self::Finish].into_iter().find(|step| step.name() == text)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }
}

impl Job {
    /// The stable name for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rotation(rotation) => rotation.step.name(),
            Self::Stream(_) => "stream",
            Self::Tick => "tick",
            Self::Direct(direct, _) => direct.name(),
        }
    }
}

impl Direct {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Sync { .. } => "sync",
            Self::Reconcile { .. } => "reconcile",
            Self::Retire => "retire",
            Self::MirrorJwks => "mirror-jwks",
            Self::PutKeys { .. } => "put-keys",
            Self::RotateEmergency => "rotate-emergency",
            Self::Status => "status",
        }
    }
}

impl DryRun {
    pub const fn is_dry(self) -> bool {
        matches!(self, Self::Yes)
    }
}
