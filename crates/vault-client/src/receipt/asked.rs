//! What the log must say of a call that was made, and whether it does.

use super::{Logged, invalid};
use crate::error::Result;
use std::collections::BTreeMap;
use vault_audit::{Entry, request_hash};
use vault_encoding::{Canonical, Hash, sha256};
use vault_proto::v1;

/// The canonical request of a call: docs/audit-log.md. Payloads stand in it as length and SHA-256.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Form(BTreeMap<String, Canonical>);

impl Form {
    /// Of an operation with the key of this handle, which creates it.
    pub(crate) fn creation(operation: &str, handle: &str) -> Self {
        Self(BTreeMap::new())
            .text("operation", operation)
            .text("handle", handle)
    }

    /// Of an operation with a key that is there.
    pub(crate) fn about(operation: &str, key: &v1::KeyRef) -> Self {
        Self::creation(operation, &key.handle).hex("lineage", &key.lineage)
    }

    pub(crate) fn value(mut self, name: &str, value: Canonical) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn text(self, name: &str, text: &str) -> Self {
        self.value(name, Canonical::text(text))
    }

    pub(crate) fn number(self, name: &str, number: impl Into<u64>) -> Self {
        self.value(name, Canonical::text(number.into()))
    }

    pub(crate) fn hex(self, name: &str, bytes: &[u8]) -> Self {
        self.text(name, &vault_encoding::text::hex(bytes))
    }

    /// The hash of bytes whose length does not matter.
    pub(crate) fn digest(self, name: &str, bytes: &[u8]) -> Self {
        self.value(&format!("{name}_sha256"), Canonical::text(sha256(bytes)))
    }

    /// Length and hash.
    pub(crate) fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        self.number(&format!("{name}_length"), bytes.len() as u64)
            .digest(name, bytes)
    }

    /// The text that the request hash of an entry is of.
    pub(crate) fn canonical(&self) -> Vec<u8> {
        Canonical::Map(self.0.clone()).to_bytes()
    }

    fn member(&self, name: &str) -> &str {
        let member = self.0.get(name);
        member.and_then(Canonical::as_text).unwrap_or_default()
    }

    /// Whether an entry is about this request, and says that it was allowed.
    fn is_of(&self, entry: &Entry, request_salt: &Hash) -> bool {
        let lineage = self.member("lineage");
        entry.allowed
            && entry.operation == self.member("operation")
            && entry.handle == self.member("handle")
            && (lineage.is_empty()
                || entry.lineage.map(|it| it.to_string()).as_deref() == Some(lineage))
            && entry.request_hash == Some(request_hash(request_salt, &self.canonical()))
    }
}

/// What is known of a call when its answer comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    /// Absent of what is never logged.
    pub(crate) form: Option<Form>,
    /// It uses a secret or changes something: nothing of that is done without an entry.
    pub(crate) logs: bool,
    /// An earlier sending of it may have been done.
    pub(crate) sent_before: bool,
}

/// What an answer shows of its entry.
pub(super) enum Shown {
    Nothing,
    /// The call was done before, and its entry went with an answer that was lost.
    Before,
    Entry(Logged),
}

impl Asked {
    /// The entry that is shown, where it is the one that this call must have.
    pub(super) fn admit(&self, shown: Shown) -> Result<Option<Logged>> {
        match shown {
            Shown::Nothing if self.logs => Err(invalid("the call is not shown to be logged")),
            Shown::Nothing => Ok(None),
            Shown::Before if self.sent_before => Ok(None),
            Shown::Before => Err(invalid("the call was not made before")),
            Shown::Entry(logged) => self.own(logged).map(Some),
        }
    }

    fn own(&self, logged: Logged) -> Result<Logged> {
        let entry = Entry::from_leaf(&logged.leaf).map_err(invalid)?;
        match &self.form {
            Some(form) if form.is_of(&entry, &logged.request_salt) => Ok(logged),
            _ => Err(invalid("the entry is that of another call")),
        }
    }
}
