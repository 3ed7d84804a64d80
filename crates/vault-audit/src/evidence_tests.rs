//! Evidence reads back as it was written, and shows what it says or nothing.

use super::*;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

struct Vault(Ed25519KeyPair);

impl Vault {
    fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn key(&self) -> LogKey {
        LogKey::from_public(self.0.public_key().as_ref().try_into().unwrap())
    }

    fn note(&self, size: u64, root: u8) -> String {
        let key = self.key();
        let head = Checkpoint {
            vault_id: key.vault_id(),
            size,
            root: Hash([root; 32]),
        };
        let sign = |text: &[u8]| self.0.sign(text).as_ref().try_into().unwrap();
        String::from_utf8(head.sign(&key, sign)).unwrap()
    }
}

fn evidence(kind: EvidenceKind, seen: String, answered: String) -> HeadEvidence {
    let head = |checkpoint, boot_id, carried_by| EvidenceHead {
        checkpoint,
        boot_id,
        carried_by,
    };
    HeadEvidence {
        kind,
        key: Vault::new(1).key(),
        seen: head(seen, Some([3; 16]), None),
        answered: head(answered, None, Some(Hash([9; 32]))),
        found: Found::Exchange,
        found_at: 1_700_000_000,
    }
}

#[test]
fn what_is_written_reads_back_and_nothing_else_does() {
    let vault = Vault::new(1);
    for found in Found::ALL {
        for kind in [EvidenceKind::Rollback, EvidenceKind::Fork] {
            let mut written = evidence(kind, vault.note(9, 1), vault.note(4, 2));
            written.found = found;
            let bytes = written.to_bytes();
            assert_eq!(HeadEvidence::from_bytes(&bytes), Ok(written.clone()));
            let line = [&bytes[..], b"\n"].concat();
            assert_eq!(HeadEvidence::from_bytes(&line), Ok(written));
        }
    }
    let bytes = evidence(EvidenceKind::Fork, vault.note(9, 1), vault.note(9, 2)).to_bytes();
    let mut taken = 0;
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let read = HeadEvidence::from_bytes(&altered);
        taken += usize::from(read.is_ok_and(|read| read.check().is_ok()));
        assert!(HeadEvidence::from_bytes(&bytes[..at]).is_err());
    }
    // Only who carried it, which start showed it, and when, is nobody's signature.
    let unsigned = 2 * 32 + 64 + 10;
    assert!(taken <= unsigned, "{taken}");
}

#[test]
fn two_roots_of_one_size_prove_a_fork_and_two_sizes_prove_what_they_can() {
    let vault = Vault::new(1);
    let check = |kind, seen, answered| {
        let checked = evidence(kind, seen, answered).check();
        checked.map(|checked| checked.proven)
    };
    let note = |size, root| vault.note(size, root);
    let (rollback, fork) = (EvidenceKind::Rollback, EvidenceKind::Fork);
    assert_eq!(check(fork, note(5, 1), note(5, 2)), Ok(Proven::TwoLogs));
    assert_eq!(
        check(rollback, note(9, 1), note(5, 2)),
        Ok(Proven::ShorterLater)
    );
    assert_eq!(check(fork, note(5, 1), note(9, 2)), Ok(Proven::NotLinked));
    let same = check(fork, note(5, 1), note(5, 1));
    assert_eq!(same, Err(EvidenceFault::Same));
    let longer = check(rollback, note(5, 1), note(9, 2));
    assert_eq!(longer, Err(EvidenceFault::NotShorter));
}

#[test]
fn a_note_of_another_vault_is_no_evidence_against_this_one() {
    let (vault, other) = (Vault::new(1), Vault::new(2));
    let checked = evidence(EvidenceKind::Fork, vault.note(5, 1), other.note(5, 2)).check();
    assert!(matches!(checked, Err(EvidenceFault::Note("answered", _))));
    let checked = evidence(EvidenceKind::Fork, other.note(5, 1), vault.note(5, 2)).check();
    assert!(matches!(checked, Err(EvidenceFault::Note("seen", _))));
}

#[test]
fn the_same_two_heads_have_the_same_id_and_others_another() {
    let vault = Vault::new(1);
    let first = evidence(EvidenceKind::Fork, vault.note(5, 1), vault.note(5, 2));
    let mut again = first.clone();
    again.found_at += 9;
    again.found = Found::Answer;
    assert_eq!(first.id(), again.id());
    assert_eq!(first.id().len(), 32);
    let other = evidence(EvidenceKind::Fork, vault.note(5, 1), vault.note(5, 3));
    assert_ne!(first.id(), other.id());
}

/// Evidence whose text has this length: a witness with a long name has signed one of its notes.
fn padded(length: usize) -> Vec<u8> {
    let vault = Vault::new(1);
    let signed = |name: &str| {
        let note = format!("{}\u{2014} {name} AAAAAAAA\n", vault.note(9, 2));
        evidence(EvidenceKind::Fork, vault.note(9, 1), note).to_bytes()
    };
    signed(&"w".repeat(length - signed("").len()))
}

#[test]
fn evidence_is_as_long_as_the_format_allows_and_no_longer() {
    for end in ["", "\n"] {
        let most = [&padded(LIMITS.bytes)[..], end.as_bytes()].concat();
        let read = HeadEvidence::from_bytes(&most).unwrap();
        assert_eq!(read.check().unwrap().proven, Proven::TwoLogs);
        let longer = [&padded(LIMITS.bytes + 1)[..], end.as_bytes()].concat();
        let fault = HeadEvidence::from_bytes(&longer).unwrap_err();
        assert!(matches!(fault, EvidenceFault::Canonical(_)), "{fault}");
    }
    assert_eq!(LIMITS.bytes, 64 << 10);
}
