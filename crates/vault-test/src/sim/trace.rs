//! What happened in a run, readable and comparable.

use std::fmt;
use vault_encoding::{Domain, Hash};

/// One event, with a digest of the state behind it.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub what: String,
    /// State digest of the vault afterwards, if it runs.
    pub state: Option<Hash>,
}

/// All events of a run. Signatures are not in it: ECDSA's nonces come from the library.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// In order.
    pub events: Vec<Event>,
    /// Crashes among them.
    pub crashes: u64,
    /// Operations whose answer reached a client.
    pub acknowledged: u64,
    /// Groups that were removed behind a snapshot, at the end.
    pub removed: u64,
    /// Whether a leaf was read from the archive at the end.
    pub archived: bool,
    /// Shares that a client got back as it had given them.
    pub fetched: u64,
    /// Changes of policies, profiles and waiting deletions whose answer reached a client.
    pub changed: u64,
}

impl Trace {
    /// Adds an event.
    pub fn push(&mut self, what: String, state: Option<Hash>) {
        self.events.push(Event { what, state });
    }

    /// One hash for all of it.
    pub fn digest(&self) -> Hash {
        Domain::State.hash(&[format!("{self:?}").as_bytes()])
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.events {
            match &event.state {
                Some(state) => writeln!(f, "{} → {state}", event.what)?,
                None => writeln!(f, "{}", event.what)?,
            }
        }
        Ok(())
    }
}
