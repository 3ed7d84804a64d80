//! What comes with an answer: the head of the log, signed by the vault, and the caller's own
//! entry with its proof. Nothing unsigned passes, and no entry of another call.

mod asked;
mod governed;
#[cfg(test)]
mod tests;

use crate::error::{Error, ErrorCode, Result};
use crate::heads::{NOTE_BYTES, SeenHead};
use crate::key::hash;
use crate::session::{Peer, Session};
use asked::Shown;
pub(crate) use asked::{Asked, Form};
pub(crate) use governed::verify_governed;
use std::sync::{Mutex, PoisonError};
use vault_audit::{Checkpoint, LogKey};
use vault_encoding::{Hash, merkle};
use vault_proto::v1;

/// An answer and its receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// What proves that it was logged, and the head to remember.
    pub receipt: Receipt,
}

/// A verified receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The head that covers the answer, with the signed note.
    pub head: SeenHead,
    /// The caller's own entry, if the call was logged. Absent where the answer repeats one that was
    /// lost on its way: the call was logged, under a head that went with that answer.
    pub logged: Option<Logged>,
}

/// One's own entry in the log; it was proven to be under the receipt's head, and to be of this call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logged {
    /// Its index.
    pub index: u64,
    /// Opens the request hash that stands in it.
    pub request_salt: Hash,
    /// Its bytes.
    pub leaf: Vec<u8>,
    /// Leaf to root.
    pub proof: Vec<Hash>,
}

impl Logged {
    /// The root just before this entry, where it is the last one of its tree: the proof of the
    /// last leaf consists of the complete subtrees left of it.
    pub(crate) fn root_before(&self) -> Option<Hash> {
        let mut steps = self.proof.iter();
        match steps.next() {
            None => (self.index == 0).then(merkle::empty_root),
            Some(first) => Some(steps.fold(*first, |right, left| merkle::node_hash(left, &right))),
        }
    }
}

/// Holds a receipt to the identity key of the vault at hand, and to the call.
pub(crate) fn verify(receipt: v1::Receipt, session: &Session, asked: &Asked) -> Result<Receipt> {
    let (head, shown) = open(receipt, |head| session.head(head))?;
    let logged = asked.admit(shown)?;
    Ok(Receipt { head, logged })
}

/// As `verify`, of the vault with this key and without a call, for the fuzzer.
#[cfg(feature = "fuzzing")]
pub fn verify_of(receipt: v1::Receipt, key: &LogKey) -> Result<Receipt> {
    let (head, shown) = open(receipt, |head| verified(key, head))?;
    let logged = match shown {
        Shown::Entry(logged) => Some(logged),
        Shown::Nothing | Shown::Before => None,
    };
    Ok(Receipt { head, logged })
}

fn open(
    receipt: v1::Receipt,
    verified: impl FnOnce(v1::Head) -> Result<SeenHead>,
) -> Result<(SeenHead, Shown)> {
    let head = receipt.head.into_option();
    let head = verified(head.ok_or_else(|| invalid("no head"))?)?;
    let shown = match receipt.leaf.into_option() {
        None => Shown::Nothing,
        Some(leaf) if is_repeat(&leaf, &head) => Shown::Before,
        Some(leaf) => Shown::Entry(logged(leaf, &head)?),
    };
    Ok((head, shown))
}

/// Verifies the notes of one vault. All answers of a group carry one note, which is verified once.
pub(crate) struct Notes {
    key: LogKey,
    last: Mutex<Option<SeenHead>>,
}

impl Notes {
    pub(crate) fn of(peer: &Peer) -> Result<Self> {
        Ok(Self {
            key: LogKey::from_spki(&peer.claims.identity_key).map_err(invalid)?,
            last: Mutex::new(None),
        })
    }

    pub(crate) fn key(&self) -> LogKey {
        self.key
    }

    /// A head whose note this vault signed, and which says what the note says.
    pub(crate) fn head(&self, head: v1::Head) -> Result<SeenHead> {
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |last: &&SeenHead| {
            last.size == head.size
                && last.root.0 == *head.root
                && last.checkpoint == head.checkpoint
        };
        if let Some(last) = last().as_ref().filter(same) {
            return Ok(last.clone());
        }
        let verified = verified(&self.key, head)?;
        *last() = Some(verified.clone());
        Ok(verified)
    }
}

fn verified(key: &LogKey, head: v1::Head) -> Result<SeenHead> {
    if head.checkpoint.len() > NOTE_BYTES {
        return Err(invalid("the note is too long"));
    }
    let signed = Checkpoint::verify(&head.checkpoint, key).map_err(invalid)?;
    if signed.size != head.size || signed.root.0 != *head.root {
        return Err(invalid("the head is not that of its checkpoint"));
    }
    Ok(SeenHead {
        size: signed.size,
        root: signed.root,
        checkpoint: head.checkpoint,
    })
}

/// A vault that has done this call before says at which index, and has no proof at hand.
fn is_repeat(leaf: &v1::LoggedLeaf, head: &SeenHead) -> bool {
    leaf.leaf.is_empty() && leaf.proof.is_empty() && leaf.index < head.size
}

fn logged(leaf: v1::LoggedLeaf, head: &SeenHead) -> Result<Logged> {
    let proof: Vec<Hash> = leaf
        .proof
        .iter()
        .map(|step| hash(step, "proof"))
        .collect::<Result<_>>()?;
    let included = merkle::verify_inclusion(
        &merkle::leaf_hash(&leaf.leaf),
        leaf.index,
        head.size,
        &proof,
        &head.root,
    );
    if !included {
        return Err(invalid("the entry is not in the log"));
    }
    let request_salt = hash(&leaf.request_salt, "request salt")?;
    Ok(Logged {
        index: leaf.index,
        request_salt,
        leaf: leaf.leaf,
        proof,
    })
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::ReceiptInvalid).detail(why)
}
