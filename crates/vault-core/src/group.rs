//! Records that become durable together, and their one encoding.
//!
//! payload = format version (1 byte, 1) ‖ number of records (u32) ‖ records ‖ signed checkpoint;
//! record = leaf ‖ salt (32 bytes) ‖ change. Byte strings stand behind a u32 length, integers are
//! big-endian.

use crate::api::Head;
use crate::codec::{Malformed, Reader, Writer};
use crate::commit::CommitFault;
use crate::leaf::Record;
use std::collections::BTreeMap;
use std::sync::Arc;
use vault_audit::{Checkpoint, LogKey};
use vault_encoding::Hash;
use zeroize::Zeroizing;

const FORMAT: u8 = 1;

/// Signs checkpoints with the vault's identity key.
pub trait CheckpointSigner: Send + Sync {
    /// Ed25519 over `text`; nothing but texts of checkpoints is ever given to it.
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], CommitFault>;
}

/// Where a group stands: its number, and the head of the tree before its first record. Belongs
/// into the group's authenticated header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// Numbered from 0, without gaps.
    pub sequence: u64,
    /// Leaves before it.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// Records that wait to be committed, with the tree head over them.
pub struct Group {
    pub(crate) at: Position,
    pub(crate) records: Vec<Record>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) key: LogKey,
    pub(crate) signer: Arc<dyn CheckpointSigner>,
    pub(crate) proofs: BTreeMap<u64, Vec<Hash>>,
}

/// A group that is ready to be written.
pub(crate) struct Signed {
    pub(crate) at: Position,
    pub(crate) payload: Zeroizing<Vec<u8>>,
    pub(crate) head: Head,
    pub(crate) proofs: BTreeMap<u64, Vec<Hash>>,
}

impl Group {
    /// Its number.
    pub fn sequence(&self) -> u64 {
        self.at.sequence
    }

    /// Number of records.
    pub fn records(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn sign(self) -> Result<Signed, CommitFault> {
        let signature = self.signer.sign(self.checkpoint.text().as_bytes())?;
        let note = self.checkpoint.sign(&self.key, |_| signature);
        let payload = encode(&self.records, &note);
        let Checkpoint { size, root, .. } = self.checkpoint;
        let head = Head {
            size,
            root,
            checkpoint: note.into(),
        };
        Ok(Signed {
            at: self.at,
            payload,
            head,
            proofs: self.proofs,
        })
    }
}

fn encode(records: &[Record], note: &[u8]) -> Zeroizing<Vec<u8>> {
    let size = |record: &Record| record.leaf.len() + record.change.len() + 40;
    let capacity = records.iter().map(size).sum::<usize>() + note.len() + 16;
    let mut out = Writer::with_capacity(capacity);
    out.u8(FORMAT);
    out.u32(u32::try_from(records.len()).unwrap_or(u32::MAX));
    for record in records {
        out.bytes(&record.leaf);
        out.fixed(&record.salt);
        out.bytes(&record.change);
    }
    out.bytes(note);
    out.finish()
}

/// A group read back.
pub(crate) struct Decoded {
    pub(crate) records: Vec<Record>,
    pub(crate) note: Vec<u8>,
}

pub(crate) fn decode(payload: &[u8]) -> Result<Decoded, Malformed> {
    let mut from = Reader::new(payload);
    if from.u8()? != FORMAT {
        return Err(Malformed);
    }
    let count = from.u32()?;
    let records = (0..count)
        .map(|_| read_record(&mut from))
        .collect::<Result<Vec<_>, _>>()?;
    let note = from.bytes()?.to_vec();
    from.end()?;
    if records.is_empty() {
        Err(Malformed)
    } else {
        Ok(Decoded { records, note })
    }
}

fn read_record(from: &mut Reader<'_>) -> Result<Record, Malformed> {
    Ok(Record {
        leaf: from.bytes()?.to_vec(),
        salt: from.array()?,
        change: Zeroizing::new(from.bytes()?.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(leaf: Vec<u8>, salt: u8, change: Vec<u8>) -> Record {
        Record {
            leaf,
            salt: [salt; 32],
            change: Zeroizing::new(change),
        }
    }

    fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..20)
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_and_what_decodes_encodes_identically(
            parts in proptest::collection::vec((some_bytes(), any::<u8>(), some_bytes()), 1..5),
            note in some_bytes(),
        ) {
            let records: Vec<_> =
                parts.into_iter().map(|(leaf, salt, change)| record(leaf, salt, change)).collect();
            let bytes = encode(&records, &note);
            let read = decode(&bytes).ok().unwrap();
            prop_assert_eq!(&read.note, &note);
            prop_assert_eq!(&*encode(&read.records, &read.note), &*bytes);
        }

        #[test]
        fn damaged_bytes_never_panic_and_decode_only_to_themselves(
            mut bytes in Just(encode(&[record(vec![1], 2, vec![3])], b"note").to_vec()),
            at in 0usize..60, flip in 1u8..,
        ) {
            let at = at % bytes.len();
            bytes[at] ^= flip;
            if let Ok(read) = decode(&bytes) {
                prop_assert_eq!(&*encode(&read.records, &read.note), &bytes);
            }
        }
    }

    #[test]
    fn a_group_without_records_is_none() {
        assert!(decode(&encode(&[], b"note")).is_err());
    }
}
