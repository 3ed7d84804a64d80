//! Answers that are remembered for repeats of a changing call.

use crate::codec::{Malformed, Reader, Writer};
use crate::limits::IDEMPOTENCY_ENTRIES;
use std::collections::{BTreeMap, VecDeque};
use vault_encoding::{Domain, Hash, sha256};
use vault_policy::{Lineage, OidcSubject};

/// Which call of whom: requester, RPC and the caller's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Scope(Hash);

impl Scope {
    pub(crate) fn of(requester: &OidcSubject, rpc: &'static str, key: &str) -> Self {
        let fields =
            [&requester.issuer, &requester.subject, rpc].map(|text| sha256(text.as_bytes()));
        let [issuer, subject, rpc] = fields;
        Self(Domain::Idempotency.hash(&[&issuer.0, &subject.0, &rpc.0, key.as_bytes()]))
    }
}

/// What a repeat is held against. No secret, and nothing of the answer but which key it is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Remembered {
    pub(crate) scope: Scope,
    /// Digest of the canonical request.
    pub(crate) body: Hash,
    /// Salt of `request_hash` in the leaf of the first call.
    pub(crate) request_salt: Hash,
}

/// A remembered call in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    pub(crate) remembered: Remembered,
    /// The key that the call was about.
    pub(crate) lineage: Lineage,
    /// The leaf of the first call.
    pub(crate) index: u64,
}

/// Bounded; the oldest entry goes first.
#[derive(Default)]
pub(crate) struct Table {
    kept: BTreeMap<Scope, Kept>,
    order: VecDeque<Scope>,
}

/// What the table says of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    Never,
    Same(Kept),
    OtherBody,
}

impl Table {
    pub(crate) fn look_up(&self, scope: &Scope, body: &Hash) -> Seen {
        match self.kept.get(scope) {
            None => Seen::Never,
            Some(kept) if kept.remembered.body == *body => Seen::Same(*kept),
            Some(_) => Seen::OtherBody,
        }
    }

    pub(crate) fn insert(&mut self, kept: Kept) {
        let scope = kept.remembered.scope;
        if self.kept.insert(scope, kept).is_none() {
            self.order.push_back(scope);
        }
        while self.order.len() > IDEMPOTENCY_ENTRIES {
            if let Some(oldest) = self.order.pop_front() {
                self.kept.remove(&oldest);
            }
        }
    }

    /// Oldest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Kept> {
        self.order.iter().filter_map(|scope| self.kept.get(scope))
    }
}

impl Remembered {
    pub(crate) fn write(&self, out: &mut Writer) {
        out.fixed(&self.scope.0.0);
        out.fixed(&self.body.0);
        out.fixed(&self.request_salt.0);
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            scope: Scope(Hash(from.array()?)),
            body: Hash(from.array()?),
            request_salt: Hash(from.array()?),
        })
    }

    pub(crate) fn write_option(remembered: Option<&Self>, out: &mut Writer) {
        out.u8(u8::from(remembered.is_some()));
        if let Some(remembered) = remembered {
            remembered.write(out);
        }
    }

    pub(crate) fn read_option(from: &mut Reader<'_>) -> Result<Option<Self>, Malformed> {
        match from.u8()? {
            0 => Ok(None),
            1 => Self::read(from).map(Some),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(key: &str, body: u8) -> Kept {
        let requester = OidcSubject {
            issuer: "i".into(),
            subject: "s".into(),
        };
        Kept {
            remembered: Remembered {
                scope: Scope::of(&requester, "CreateKey", key),
                body: Hash([body; 32]),
                request_salt: Hash([0; 32]),
            },
            lineage: Lineage(Hash([0; 32])),
            index: 0,
        }
    }

    #[test]
    fn a_repeat_is_seen_another_body_is_too_and_the_oldest_entry_goes_first() {
        let mut table = Table::default();
        let first = kept("first", 1);
        table.insert(first);
        let scope = first.remembered.scope;
        assert_eq!(table.look_up(&scope, &Hash([1; 32])), Seen::Same(first));
        assert_eq!(table.look_up(&scope, &Hash([2; 32])), Seen::OtherBody);
        for number in 1..IDEMPOTENCY_ENTRIES {
            table.insert(kept(&number.to_string(), 1));
        }
        assert_eq!(table.look_up(&scope, &Hash([1; 32])), Seen::Same(first));
        table.insert(kept("last", 1));
        assert_eq!(table.look_up(&scope, &Hash([1; 32])), Seen::Never);
        assert_eq!(table.entries().count(), IDEMPOTENCY_ENTRIES);
    }
}
