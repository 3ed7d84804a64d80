//! What each kind of damage of a log is refused for. All of them are counted in `t_audit.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use support::{Log, bare_entry, entry, seed};
use vault_audit::{CheckpointError, Export, ExportError, NoteError, verify_export};

const ENTRIES: u64 = 40;

fn refused(export: &Export, log: &Log, what: &str) -> ExportError {
    match verify_export(export, &log.key) {
        Ok(_) => panic!("accepted: {what}"),
        Err(error) => error,
    }
}

#[test]
fn an_untouched_log_verifies_with_every_entry() {
    let log = Log::of(ENTRIES, 7);
    let verified = verify_export(&log.export, &log.key).unwrap();
    assert_eq!(
        verified.entries,
        (0..ENTRIES).map(entry).collect::<Vec<_>>()
    );
    assert_eq!(verified.head, log.tree.checkpoint(log.key.vault_id()));
    assert_eq!(verified.checkpoints, 6);
}

#[test]
fn a_dropped_leaf_is_seen_wherever_it_was() {
    let log = Log::of(ENTRIES, 7);
    for index in 0..ENTRIES as usize {
        let mut export = log.export.clone();
        export.leaves.remove(index);
        refused(&export, &log, "drop");
    }
}

#[test]
fn an_altered_leaf_is_seen_wherever_it_is() {
    let log = Log::of(ENTRIES, 7);
    for index in 0..ENTRIES as usize {
        let mut altered = entry(index as u64);
        altered.outcome = "failed".into();
        let mut export = log.export.clone();
        export.leaves[index] = altered.to_leaf().unwrap();
        let error = refused(&export, &log, "alter");
        assert!(matches!(error, ExportError::OtherRoot { .. }), "{error}");
        for bit in [0, 1000] {
            let mut export = log.export.clone();
            export.leaves[index][bit / 8] ^= 1 << (bit % 8);
            refused(&export, &log, "flip");
        }
    }
}

#[test]
fn two_exchanged_leaves_are_seen_wherever_they_are() {
    let log = Log::of(ENTRIES, 7);
    for a in 0..ENTRIES as usize {
        for b in 0..a {
            let mut export = log.export.clone();
            export.leaves.swap(a, b);
            let error = refused(&export, &log, "swap");
            assert!(matches!(error, ExportError::OtherRoot { .. }), "{error}");
        }
    }
}

#[test]
fn an_added_or_repeated_leaf_is_seen_wherever_it_is() {
    let log = Log::of(ENTRIES, 7);
    for index in 0..=ENTRIES as usize {
        let mut export = log.export.clone();
        export.leaves.insert(index, entry(99).to_leaf().unwrap());
        refused(&export, &log, "insert");
        let mut export = log.export.clone();
        export
            .leaves
            .insert(index, log.export.leaves[index.min(39)].clone());
        refused(&export, &log, "repeat");
    }
}

#[test]
fn a_truncation_is_seen_at_every_size() {
    let log = Log::of(ENTRIES, 1);
    for size in 0..ENTRIES as usize {
        let mut export = log.export.clone();
        export.leaves.truncate(size);
        let error = refused(&export, &log, "truncate");
        assert!(matches!(error, ExportError::Truncated { have, .. } if have == size as u64));
        // Checkpoints cut alone: leaves that nothing covers.
        let mut export = log.export.clone();
        export.checkpoints.truncate(size);
        let error = refused(&export, &log, "cover");
        match size {
            0 => assert_eq!(error, ExportError::NoCheckpoint),
            _ => assert!(matches!(error, ExportError::Uncovered { .. }), "{error}"),
        }
    }
}

#[test]
fn a_leaf_that_is_no_entry_is_an_error_and_not_skipped() {
    for unreadable in [
        &b"{}"[..],
        b"",
        b"not json",
        b"{\"format\":\"enclave-vaults/log-entry/v2\"}",
    ] {
        let mut log = Log::new(seed());
        log.append(entry(0).to_leaf().unwrap());
        log.append(unreadable.to_vec());
        log.append(bare_entry().to_leaf().unwrap());
        log.checkpoint();
        let error = refused(&log.export.clone(), &log, "unreadable");
        assert!(
            matches!(error, ExportError::Leaf { index: 1, .. }),
            "{error}"
        );
    }
}

#[test]
fn checkpoints_of_two_histories_do_not_pass_together() {
    let log = Log::of(10, 5);
    let mut other = Log::new(seed());
    for number in 100..110 {
        other.append(entry(number).to_leaf().unwrap());
    }
    let fork = other.checkpoint();
    let mut export = log.export.clone();
    export.checkpoints.insert(1, fork.clone());
    assert_eq!(
        refused(&export, &log, "fork"),
        ExportError::OtherRoot {
            number: 1,
            size: 10
        }
    );
    let mut export = log.export.clone();
    export.checkpoints.push(fork);
    assert_eq!(
        refused(&export, &log, "fork"),
        ExportError::OtherRoot {
            number: 2,
            size: 10
        }
    );
}

#[test]
fn checkpoints_out_of_order_are_seen() {
    let log = Log::of(ENTRIES, 7);
    let mut export = log.export.clone();
    export.checkpoints.swap(1, 2);
    let error = refused(&export, &log, "order");
    assert_eq!(
        error,
        ExportError::NotInOrder {
            number: 2,
            size: 14,
            before: 21
        }
    );
}

#[test]
fn a_checkpoint_of_another_vault_is_seen() {
    let log = Log::of(10, 5);
    let mut other = Log::new([7; 32]);
    for leaf in &log.export.leaves {
        other.append(leaf.clone());
    }
    let mut export = log.export.clone();
    export.checkpoints.push(other.checkpoint());
    let error = CheckpointError::Note(NoteError::UnknownSigner);
    assert_eq!(
        refused(&export, &log, "vault"),
        ExportError::Checkpoint { number: 2, error }
    );
}

#[test]
fn an_export_file_reads_back_and_every_cut_of_it_is_seen() {
    let log = Log::of(12, 5);
    let bytes = log.export.to_bytes();
    assert_eq!(Export::from_bytes(&bytes).unwrap(), log.export);
    for length in 0..bytes.len() {
        let accepted = Export::from_bytes(&bytes[..length])
            .ok()
            .and_then(|export| verify_export(&export, &log.key).ok());
        // A cut at the end of a line may leave out checkpoints, never entries.
        assert!(accepted.is_none_or(|log| log.entries.len() == 12 && log.head.size == 12));
    }
}
