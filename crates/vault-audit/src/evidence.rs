//! Evidence that a vault's log was rolled back or forked: two heads that the vault signed, and
//! what whoever kept them says about them.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::note::LogKey;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::collections::BTreeMap;
use vault_encoding::{Canonical, CanonicalError, Hash, Limits, sha256, text};

const FORMAT: &str = "enclave-vaults/head-evidence/v2";
const LIMITS: Limits = Limits {
    bytes: 64 * 1024,
    depth: 3,
    nodes: 32,
};

/// Of a file whose format is not known yet.
const ANY_FORMAT: Limits = Limits {
    bytes: 1 << 20,
    depth: 16,
    nodes: 1 << 12,
};

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EvidenceKind {
    /// Fewer leaves than were seen before.
    Rollback,
    /// Another log than the one that was seen.
    Fork,
}

/// How it was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// An answer of the vault contradicts what was seen.
    Answer,
    /// The vault itself says that the caller has seen another log.
    Refusal,
    /// A head that was carried from another vault contradicts what was seen.
    Exchange,
    /// The vault's consistency proof does not lead from one head to the other.
    Proof,
    /// Two starts of the vault have grown the log in turn.
    Boots,
}

/// One of the two heads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvidenceHead {
    /// The signed note.
    pub checkpoint: String,
    /// The start of the vault that showed it, if that is known.
    pub boot_id: Option<[u8; 16]>,
    /// The vault from which it was taken; `None` if the vault itself showed it.
    pub carried_by: Option<Hash>,
}

/// Two heads of one vault that cannot both be of one log, or of which the shorter was signed later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeadEvidence {
    /// What was found.
    pub kind: EvidenceKind,
    /// The vault's identity key.
    pub key: LogKey,
    /// What was seen first.
    pub seen: EvidenceHead,
    /// What was shown later, or carried from elsewhere.
    pub answered: EvidenceHead,
    /// How.
    pub found: Found,
    /// When, by the clock of whoever kept it, in Unix seconds.
    pub found_at: u64,
}

/// What two notes show to somebody who was not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proven {
    /// Two roots of one size under one key: the vault's identity has signed two logs. Nothing else
    /// is needed.
    TwoLogs,
    /// The vault signed both. That the shorter was signed later is the word of whoever kept this.
    ShorterLater,
    /// The vault signed both. That it could not link them is the word of whoever kept this: an
    /// auditor asks it for a consistency proof between them.
    NotLinked,
}

/// Evidence whose notes are verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckedEvidence {
    /// What was seen first.
    pub seen: Checkpoint,
    /// What was shown later.
    pub answered: Checkpoint,
    /// What both show.
    pub proven: Proven,
}

/// Why a file is no evidence.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvidenceFault {
    /// Not canonical JSON.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A format that this build does not know, such as that of a later release.
    #[error("unknown format {0:?}: this build reads {FORMAT}")]
    UnknownFormat(String),
    /// A member is absent, unknown, or does not hold what it should.
    #[error("member {0:?} is absent, unknown or malformed")]
    Member(String),
    /// A note that the vault did not sign.
    #[error("the {0} head: {1}")]
    Note(&'static str, CheckpointError),
    /// Two heads that do not contradict each other.
    #[error("the two heads are one and the same, and prove nothing")]
    Same,
    /// A rollback whose later head is not the shorter one.
    #[error("a rollback is a shorter head after a longer one")]
    NotShorter,
}

impl EvidenceKind {
    /// As written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Fork => "fork",
        }
    }
}

impl Found {
    const ALL: [Self; 5] = [
        Self::Answer,
        Self::Refusal,
        Self::Exchange,
        Self::Proof,
        Self::Boots,
    ];

    /// As written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Refusal => "refusal",
            Self::Exchange => "exchange",
            Self::Proof => "proof",
            Self::Boots => "boots",
        }
    }
}

impl Proven {
    /// As the CLI prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoLogs => "two_logs",
            Self::ShorterLater => "shorter_later",
            Self::NotLinked => "not_linked",
        }
    }

    /// One sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::TwoLogs => {
                "proof by itself: one identity key signed two roots of one size, so there are two logs"
            }
            Self::ShorterLater => {
                "the vault signed both heads; that the shorter one came later is the word of whoever kept this"
            }
            Self::NotLinked => {
                "the vault signed both heads; that it could not link them is the word of whoever kept this"
            }
        }
    }
}

impl HeadEvidence {
    /// Names the pair of heads: 32 hex digits. The same two heads have the same id.
    pub fn id(&self) -> String {
        let vault = self.key.vault_id();
        let (seen, answered) = (&self.seen.checkpoint, &self.answered.checkpoint);
        let kind = self.kind.name();
        let hash = sha256(format!("{FORMAT}\n{vault}\n{kind}\n{seen}\n{answered}").as_bytes());
        hash.to_string().chars().take(32).collect()
    }

    /// The one text of this evidence, in canonical JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        Canonical::map([
            ("format", Canonical::text(FORMAT)),
            ("kind", Canonical::text(self.kind.name())),
            ("vault_id", Canonical::text(self.key.vault_id())),
            (
                "identity_key",
                Canonical::text(STANDARD.encode(self.key.to_spki())),
            ),
            ("seen", self.seen.canonical()),
            ("answered", self.answered.canonical()),
            ("found", Canonical::text(self.found.name())),
            ("found_at", Canonical::text(self.found_at)),
        ])
        .to_bytes()
    }

    /// Reads what [`Self::to_bytes`] writes, and nothing else. A last newline is allowed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EvidenceFault> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let mut members = Members::of(known(bytes)?)?;
        members.take("format")?;
        let spki = STANDARD.decode(members.text("identity_key")?);
        let key = spki.ok().and_then(|spki| LogKey::from_spki(&spki).ok());
        let key = key.ok_or_else(|| absent("identity_key"))?;
        if members.text("vault_id")? != key.vault_id().to_string() {
            return Err(absent("vault_id"));
        }
        let kind = match members.text("kind")?.as_str() {
            "rollback" => EvidenceKind::Rollback,
            "fork" => EvidenceKind::Fork,
            _ => return Err(absent("kind")),
        };
        let found = members.text("found")?;
        let found = Found::ALL.into_iter().find(|known| known.name() == found);
        let found_at = members.text("found_at")?;
        let number = found_at.parse().ok();
        let number = number.filter(|number: &u64| number.to_string() == found_at);
        let evidence = Self {
            kind,
            key,
            seen: EvidenceHead::read(members.take("seen")?)?,
            answered: EvidenceHead::read(members.take("answered")?)?,
            found: found.ok_or_else(|| absent("found"))?,
            found_at: number.ok_or_else(|| absent("found_at"))?,
        };
        members.end()?;
        Ok(evidence)
    }

    /// Verifies both notes under the key, and says what they show. Whose key it is, is for the
    /// caller: [`LogKey::vault_id`] names the vault.
    pub fn check(&self) -> Result<CheckedEvidence, EvidenceFault> {
        let open = |name, head: &EvidenceHead| {
            Checkpoint::verify(head.checkpoint.as_bytes(), &self.key)
                .map_err(|error| EvidenceFault::Note(name, error))
        };
        let seen = open("seen", &self.seen)?;
        let answered = open("answered", &self.answered)?;
        let proven = match self.kind {
            _ if seen.size == answered.size && seen.root == answered.root => {
                return Err(EvidenceFault::Same);
            }
            _ if seen.size == answered.size => Proven::TwoLogs,
            EvidenceKind::Rollback if answered.size > seen.size => {
                return Err(EvidenceFault::NotShorter);
            }
            EvidenceKind::Rollback => Proven::ShorterLater,
            EvidenceKind::Fork => Proven::NotLinked,
        };
        Ok(CheckedEvidence {
            seen,
            answered,
            proven,
        })
    }
}

impl EvidenceHead {
    fn canonical(&self) -> Canonical {
        let boot_id = self.boot_id.map(|id| text::hex(&id)).unwrap_or_default();
        let carried_by = self.carried_by.map(|vault| vault.to_string());
        Canonical::map([
            ("checkpoint", Canonical::text(&self.checkpoint)),
            ("boot_id", Canonical::text(boot_id)),
            (
                "carried_by",
                Canonical::text(carried_by.unwrap_or_default()),
            ),
        ])
    }

    fn read(value: Canonical) -> Result<Self, EvidenceFault> {
        let mut members = Members::of(value)?;
        let boot_id = members.text("boot_id")?;
        let carried_by = members.text("carried_by")?;
        let head = Self {
            checkpoint: members.text("checkpoint")?,
            boot_id: optional(&boot_id, text::unhex, "boot_id")?,
            carried_by: optional(&carried_by, Hash::from_hex, "carried_by")?,
        };
        members.end()?;
        Ok(head)
    }
}

/// The object, if it is of the format that this build knows. What another release may write in another
/// format is larger or deeper, and is no damage.
fn known(bytes: &[u8]) -> Result<Canonical, EvidenceFault> {
    let value = Canonical::from_bytes(bytes, ANY_FORMAT)?;
    match value.get("format").and_then(Canonical::as_text) {
        Some(FORMAT) => Ok(Canonical::from_bytes(bytes, LIMITS)?),
        Some(other) => Err(EvidenceFault::UnknownFormat(
            other.chars().take(80).collect(),
        )),
        None => Err(absent("format")),
    }
}

/// What is absent is the empty text.
fn optional<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    name: &str,
) -> Result<Option<T>, EvidenceFault> {
    match text {
        "" => Ok(None),
        text => parse(text).map(Some).ok_or_else(|| absent(name)),
    }
}

/// The members of an object that were not read yet.
struct Members(BTreeMap<String, Canonical>);

impl Members {
    fn of(value: Canonical) -> Result<Self, EvidenceFault> {
        match value {
            Canonical::Map(members) => Ok(Self(members)),
            Canonical::Text(_) | Canonical::List(_) => Err(absent("format")),
        }
    }

    fn take(&mut self, name: &str) -> Result<Canonical, EvidenceFault> {
        self.0.remove(name).ok_or_else(|| absent(name))
    }

    fn text(&mut self, name: &str) -> Result<String, EvidenceFault> {
        match self.take(name)? {
            Canonical::Text(text) => Ok(text),
            Canonical::List(_) | Canonical::Map(_) => Err(absent(name)),
        }
    }

    fn end(self) -> Result<(), EvidenceFault> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(EvidenceFault::Member(name)),
        }
    }
}

fn absent(name: &str) -> EvidenceFault {
    EvidenceFault::Member(name.to_owned())
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
