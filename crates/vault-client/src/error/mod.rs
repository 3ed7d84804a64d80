//! One error type: what happened, who has to act, whether to retry, and what to try next.

mod advice;
mod code;
mod foreign;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

pub use code::{Blame, ErrorCode, Retry};

pub(crate) use foreign::foreign;

use crate::heads::SeenHead;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use vault_policy::VaultId;

/// The two heads that contradict each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heads {
    /// What this client had seen.
    pub seen: SeenHead,
    /// What the vault showed.
    pub answered: SeenHead,
    /// Where both are kept as evidence.
    pub evidence: Option<PathBuf>,
}

/// The contents of an [`Error`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// What happened.
    pub code: ErrorCode,
    /// Who has to act.
    pub blame: Blame,
    /// Whether the same call may succeed.
    pub retry: Retry,
    /// The rule that refused; only for principals of the key.
    pub rule: Option<String>,
    /// Path of the condition inside the rule.
    pub condition: Option<String>,
    /// Seconds after which to retry.
    pub retry_after: Option<u64>,
    /// What happened, where the sentence of the code says too little.
    pub summary: Option<&'static str>,
    /// Particulars, such as a reason, a path or an address. Never a secret.
    pub detail: Option<String>,
    /// The command to try next.
    pub next: String,
    /// The vault concerned.
    pub vault_id: Option<VaultId>,
    /// With rollback and fork evidence.
    pub heads: Option<Heads>,
}

/// Why a call failed.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Report>);

impl Error {
    /// An error with the defaults of its code.
    pub fn new(code: ErrorCode) -> Self {
        let defaults = advice::of(code);
        Self(Box::new(Report {
            code,
            blame: defaults.blame,
            retry: defaults.retry,
            rule: None,
            condition: None,
            retry_after: None,
            summary: None,
            detail: None,
            next: defaults.next.to_owned(),
            vault_id: None,
            heads: None,
        }))
    }

    /// With another sentence than that of the code.
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.0.summary = Some(summary);
        self
    }

    /// With particulars.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.0.detail = Some(detail.to_string());
        self
    }

    /// With another command to try next.
    #[must_use]
    pub fn next(mut self, command: impl Into<String>) -> Self {
        self.0.next = command.into();
        self
    }

    /// With somebody else to act.
    #[must_use]
    pub fn blame(mut self, blame: Blame) -> Self {
        self.0.blame = blame;
        self
    }

    /// About this vault.
    #[must_use]
    pub fn vault(mut self, vault_id: VaultId) -> Self {
        self.0.vault_id = Some(vault_id);
        self
    }

    /// With the two heads that contradict each other.
    #[must_use]
    pub fn heads(mut self, heads: Heads) -> Self {
        self.0.heads = Some(heads);
        self
    }

    /// One sentence for people: what happened, with the particulars.
    pub fn message(&self) -> String {
        let summary = self.0.summary;
        let mut text = summary.unwrap_or(advice::of(self.code).message).to_owned();
        if let Some(detail) = &self.0.detail {
            text.push_str(": ");
            text.push_str(detail);
        }
        if let Some(heads) = &self.0.heads {
            text.push_str(&format!(
                "; seen {}, answered {}",
                heads.seen, heads.answered
            ));
        }
        text
    }
}

impl Deref for Error {
    type Target = Report;

    fn deref(&self) -> &Report {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
