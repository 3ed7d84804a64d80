//! What a wallet is given: the statements of one gesture, and what helps to read them. None of it is
//! believed: whoever reads it computes every hash anew.

use crate::fields::{Fields, count, hash, list};
use crate::tree::{ApprovalTree, LEAVES};
use crate::{Approval, FormatError, Proof, Statement};
use std::collections::{BTreeMap, BTreeSet};
use vault_encoding::{Canonical, CanonicalError, Hash, Json, Limits, text};

/// Bytes of a bundle.
pub const MAX_BUNDLE: usize = 512 << 10;
/// Bytes of a note.
pub const MAX_NOTE: usize = 1024;

const FORMAT: &str = "enclave-vaults/approval-bundle/v1";

const LIMITS: Limits = Limits {
    bytes: MAX_BUNDLE,
    depth: 4,
    nodes: 128,
};

/// One vault's statement, with the salt of its leaf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Salted {
    /// The statement.
    pub statement: Statement,
    /// 32 random bytes, so that no vault learns of the others.
    pub salt: [u8; 32],
}

/// What a wallet shows beside the statements, once its hash is right.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Context {
    /// Canonical form of the key's policy.
    pub policy: Option<Vec<u8>>,
    /// Canonical form of the policy that it is to have.
    pub new_policy: Option<Vec<u8>>,
    /// Canonical form of the profile.
    pub profile: Option<Vec<u8>>,
    /// The whole payload.
    pub payload: Option<Vec<u8>>,
    /// Words of whoever asks; nothing vouches for them.
    pub note: Option<String>,
}

/// One gesture. INVARIANT: 1 to 16 statements, each of another vault and with another nonce.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bundle {
    statements: Vec<Salted>,
    padding: Vec<[u8; 32]>,
    context: Context,
}

impl Bundle {
    /// Statements with salts, and as many random fillers as there are leaves left.
    pub fn new(
        statements: Vec<Salted>,
        padding: Vec<[u8; 32]>,
        context: Context,
    ) -> Result<Self, FormatError> {
        count("statements", statements.len(), 1, LEAVES)?;
        let left = LEAVES.saturating_sub(statements.len());
        count("padding", padding.len(), left, left)?;
        let each = || statements.iter().map(|salted| &salted.statement);
        let nonces: BTreeSet<_> = each().map(|statement| statement.nonce).collect();
        let vaults: BTreeSet<_> = each().map(|statement| statement.vault_id).collect();
        if nonces.len() != statements.len() {
            return Err(FormatError::Twice("nonce"));
        }
        if vaults.len() != statements.len() {
            return Err(FormatError::Twice("vault_id"));
        }
        if context
            .note
            .as_ref()
            .is_some_and(|note| note.len() > MAX_NOTE)
        {
            return Err(FormatError::Malformed("note"));
        }
        Ok(Self {
            statements,
            padding,
            context,
        })
    }

    /// The statements, in the order of their leaves.
    pub fn statements(&self) -> &[Salted] {
        &self.statements
    }

    /// What helps to read them.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Whether all statements are one request: equal in everything but vault, nonce, key and expiry.
    pub fn is_one_request(&self) -> bool {
        let mut each = self.statements.iter().map(|salted| &salted.statement);
        let Some(first) = each.next() else {
            return false;
        };
        each.all(|other| {
            let same = Statement {
                vault_id: first.vault_id,
                nonce: first.nonce,
                handle: first.handle,
                lineage: first.lineage,
                not_after: first.not_after,
                ..other.clone()
            };
            same == *first
        })
    }

    /// The tree; `None` never, by the invariant.
    pub fn tree(&self) -> Option<ApprovalTree> {
        let statements: Vec<_> = self
            .statements
            .iter()
            .map(|salted| (salted.salt, salted.statement.canonical_bytes()))
            .collect();
        ApprovalTree::new(&statements, &self.padding)
    }

    /// What one vault is given: its own statement's place, and these proofs. `None` for an index without
    /// a statement.
    pub fn approval(&self, index: u32, proofs: Vec<Proof>) -> Option<Approval> {
        let salted = self.statements.get(usize::try_from(index).ok()?)?;
        Some(Approval {
            nonce: salted.statement.nonce,
            salt: salted.salt,
            index,
            path: self.tree()?.path(index)?,
            proofs,
        })
    }

    /// The bundle as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let statements = self.statements.iter().map(|salted| {
            let bytes = salted.statement.canonical_bytes();
            Canonical::map([
                ("salt", Canonical::text(Hash(salted.salt))),
                ("statement", Canonical::text(text::base64url(&bytes))),
            ])
        });
        let padding = self
            .padding
            .iter()
            .map(|bytes| Canonical::text(Hash(*bytes)));
        Canonical::map([
            ("context", self.context.to_canonical()),
            ("format", Canonical::text(FORMAT)),
            ("padding", Canonical::list(padding)),
            ("statements", Canonical::list(statements)),
        ])
        .to_bytes()
    }

    /// Reads JSON in any spelling, with these members and no others.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let json = Json::parse(bytes, LIMITS).map_err(CanonicalError::Json)?;
        let value = Canonical::from_json(json)?;
        let mut from = Fields::of(&value, "bundle")?;
        from.fixed("format", FORMAT)?;
        let statements = from.list("statements")?.iter();
        let statements = statements.map(salted).collect::<Result<_, _>>()?;
        let padding = list(from.take("padding")?, "padding")?
            .iter()
            .map(|item| {
                let hex = item.as_text().ok_or(FormatError::Missing("padding"))?;
                hash(hex, "padding").map(|hash| hash.0)
            })
            .collect::<Result<_, _>>()?;
        let context = Context::from_canonical(from.take("context")?)?;
        from.end()?;
        Self::new(statements, padding, context)
    }
}

fn salted(value: &Canonical) -> Result<Salted, FormatError> {
    let mut from = Fields::of(value, "statement")?;
    let salted = Salted {
        statement: Statement::parse(&from.bytes("statement")?)?,
        salt: from.hash("salt")?.0,
    };
    from.end()?;
    Ok(salted)
}

impl Context {
    fn to_canonical(&self) -> Canonical {
        let Self {
            policy,
            new_policy,
            profile,
            payload,
            note,
        } = self;
        let mut members = BTreeMap::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), Canonical::Text(value));
            }
        };
        let bytes = |value: &Option<Vec<u8>>| value.as_deref().map(text::base64url);
        put("policy", bytes(policy));
        put("new_policy", bytes(new_policy));
        put("profile", bytes(profile));
        put("payload", bytes(payload));
        put("note", note.clone());
        Canonical::Map(members)
    }

    fn from_canonical(value: &Canonical) -> Result<Self, FormatError> {
        let mut from = Fields::of(value, "context")?;
        let optional = |from: &mut Fields<'_>, name| match from.has(name) {
            true => from.bytes(name).map(Some),
            false => Ok(None),
        };
        let context = Self {
            policy: optional(&mut from, "policy")?,
            new_policy: optional(&mut from, "new_policy")?,
            profile: optional(&mut from, "profile")?,
            payload: optional(&mut from, "payload")?,
            note: match from.has("note") {
                true => Some(from.text("note")?.to_owned()),
                false => None,
            },
        };
        from.end()?;
        Ok(context)
    }
}
