//! One audit entry, and the one sequence of bytes that stands for it in the tree.

use crate::principal::Principal;
use crate::writer::Writer;
use std::collections::BTreeMap;
use vault_encoding::{Canonical, CanonicalError, Hash, Limits};

/// Value of the member `format`.
const FORMAT: &str = "enclave-vaults/log-entry/v1";

/// Longest leaf: the length that an entry bundle can write down.
pub const MAX_LEAF_BYTES: usize = u16::MAX as usize;

const LIMITS: Limits = Limits {
    bytes: MAX_LEAF_BYTES,
    depth: 4,
    nodes: 1024,
};

/// What is logged of one event, open to auditors. Absent values are written as empty strings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Unix seconds that had certainly passed; absent if the time was unknown.
    pub time_lo: Option<u64>,
    /// Unix seconds that had not passed, as far as the host's clock can be believed.
    pub time_hi: Option<u64>,
    /// Everything that was proven about the caller; empty for events of the vault itself.
    pub principals: Vec<Principal>,
    /// The operation's name.
    pub operation: String,
    /// The key's handle, or empty.
    pub handle: String,
    /// The key's version.
    pub version: Option<u32>,
    /// The key's lineage; a creation cannot name its own, which is derived from this leaf.
    pub lineage: Option<Hash>,
    /// The policy under which was decided.
    pub policy_hash: Option<Hash>,
    /// Salted hash of the canonical request.
    pub request_hash: Option<Hash>,
    /// Salted hash of the change; absent if nothing changed.
    pub change_hash: Option<Hash>,
    /// The hash of the approval statement that was consumed, then the digest of each approver.
    pub approvals: Vec<Hash>,
    /// The decision.
    pub allowed: bool,
    /// Why it was refused, or empty.
    pub reason: String,
    /// What came of it.
    pub outcome: String,
}

/// Why bytes are not a leaf.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LeafError {
    /// Longer than [`MAX_LEAF_BYTES`], or with too many principals and approvals.
    #[error("the entry is too large for a leaf")]
    TooLarge,
    /// Not canonical JSON.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// Another format.
    #[error("the format is not {FORMAT}")]
    UnknownFormat,
    /// A member is absent or does not hold what it should.
    #[error("member {0:?} is absent or malformed")]
    Member(&'static str),
    /// A member that the format does not have.
    #[error("the entry has a member that its format does not have")]
    UnknownMember,
}

impl Entry {
    /// The leaf. What it gives reads back as this entry.
    pub fn to_leaf(&self) -> Result<Vec<u8>, LeafError> {
        let leaf = self.write();
        let nodes = 16 + 8 * self.principals.len() + self.approvals.len();
        if leaf.len() > LIMITS.bytes || nodes > LIMITS.nodes {
            return Err(LeafError::TooLarge);
        }
        Ok(leaf)
    }

    /// Reads a leaf; refuses every sequence of bytes that [`Entry::to_leaf`] would not give.
    pub fn from_leaf(leaf: &[u8]) -> Result<Self, LeafError> {
        let Canonical::Map(mut members) = Canonical::from_bytes(leaf, LIMITS)? else {
            return Err(LeafError::UnknownFormat);
        };
        let mut fields = Fields(&mut members);
        if fields.text("format").as_deref() != Ok(FORMAT) {
            return Err(LeafError::UnknownFormat);
        }
        let entry = Self {
            time_lo: fields.number("time_lo")?,
            time_hi: fields.number("time_hi")?,
            principals: fields.list("principals", Principal::from_canonical)?,
            operation: fields.text("operation")?,
            handle: fields.text("handle")?,
            version: fields.number("version")?,
            lineage: fields.hash("lineage")?,
            policy_hash: fields.hash("policy_hash")?,
            request_hash: fields.hash("request_hash")?,
            change_hash: fields.hash("change_hash")?,
            approvals: fields.list("approvals", hash_item)?,
            allowed: fields.boolean("allowed")?,
            reason: fields.text("reason")?,
            outcome: fields.text("outcome")?,
        };
        if members.is_empty() {
            Ok(entry)
        } else {
            Err(LeafError::UnknownMember)
        }
    }

    /// Exhaustive: a field that is forgotten here does not compile. Members are sorted.
    fn write(&self) -> Vec<u8> {
        let Self {
            time_lo,
            time_hi,
            principals,
            operation,
            handle,
            version,
            lineage,
            policy_hash,
            request_hash,
            change_hash,
            approvals,
            allowed,
            reason,
            outcome,
        } = self;
        let mut writer = Writer::new();
        writer.object(|writer| {
            writer.text("allowed", if *allowed { "true" } else { "false" });
            writer.list("approvals", approvals, Writer::hash);
            writer.optional_hash("change_hash", change_hash.as_ref());
            writer.text("format", FORMAT);
            writer.text("handle", handle);
            writer.optional_hash("lineage", lineage.as_ref());
            writer.text("operation", operation);
            writer.text("outcome", outcome);
            writer.optional_hash("policy_hash", policy_hash.as_ref());
            writer.list("principals", principals, |writer, principal| {
                principal.write(writer)
            });
            writer.text("reason", reason);
            writer.optional_hash("request_hash", request_hash.as_ref());
            writer.number("time_hi", *time_hi);
            writer.number("time_lo", *time_lo);
            writer.number("version", version.map(u64::from));
        });
        writer.finish()
    }
}

fn hash_item(item: Canonical) -> Option<Hash> {
    item.as_text().and_then(Hash::from_hex)
}

/// Takes members out one by one, so that what is left over is unknown.
struct Fields<'a>(&'a mut BTreeMap<String, Canonical>);

impl Fields<'_> {
    fn text(&mut self, name: &'static str) -> Result<String, LeafError> {
        match self.0.remove(name) {
            Some(Canonical::Text(text)) => Ok(text),
            _ => Err(LeafError::Member(name)),
        }
    }

    /// Decimal without sign or leading zeros, as `Display` writes it.
    fn number<T>(&mut self, name: &'static str) -> Result<Option<T>, LeafError>
    where
        T: std::str::FromStr + ToString,
    {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<T>() {
            Ok(number) if number.to_string() == text => Ok(Some(number)),
            _ => Err(LeafError::Member(name)),
        }
    }

    fn hash(&mut self, name: &'static str) -> Result<Option<Hash>, LeafError> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        Hash::from_hex(&text)
            .map(Some)
            .ok_or(LeafError::Member(name))
    }

    fn boolean(&mut self, name: &'static str) -> Result<bool, LeafError> {
        match self.text(name)?.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(LeafError::Member(name)),
        }
    }

    fn list<T>(
        &mut self,
        name: &'static str,
        item: impl Fn(Canonical) -> Option<T>,
    ) -> Result<Vec<T>, LeafError> {
        match self.0.remove(name) {
            Some(Canonical::List(items)) => items
                .into_iter()
                .map(item)
                .collect::<Option<_>>()
                .ok_or(LeafError::Member(name)),
            _ => Err(LeafError::Member(name)),
        }
    }
}
