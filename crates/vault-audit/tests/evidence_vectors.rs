//! Evidence of rollbacks and forks as others read it: `vectors/audit/evidence` is ours, and
//! `vectors/audit/go/evidence` was made by the program in Go. Each side reads both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::disallowed_methods, reason = "vectors are files")]

mod support;

use std::path::{Path, PathBuf};
use support::{Log, bare_entry, seed};
use vault_audit::{EvidenceFault, EvidenceHead, EvidenceKind, Found, HeadEvidence, Proven};
use vault_encoding::{Canonical, Hash, Limits};

fn folder(name: &str) -> PathBuf {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/audit");
    vectors.join(name)
}

/// Compares with a file under vectors/audit/evidence; `UPDATE_VECTORS=1` writes it.
fn vector(name: &str, bytes: &[u8]) {
    let path = folder("evidence").join(name);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let stored = std::fs::read(&path).unwrap();
    let text = String::from_utf8_lossy;
    assert_eq!(text(&stored), text(bytes), "{name} is frozen");
}

/// The note of a log that left the other ones after five leaves, if it is another one.
fn note(other: bool, size: u64) -> String {
    let mut log = Log::new(seed());
    for number in 0..size {
        let mut entry = bare_entry();
        entry.outcome = match other && number >= 5 {
            true => format!("other {number}"),
            false => number.to_string(),
        };
        log.append(entry.to_leaf().unwrap());
    }
    String::from_utf8(log.checkpoint()).unwrap()
}

fn head(checkpoint: String, boot: Option<u8>, carrier: Option<u8>) -> EvidenceHead {
    EvidenceHead {
        checkpoint,
        boot_id: boot.map(|byte| [byte; 16]),
        carried_by: carrier.map(|byte| Hash([byte; 32])),
    }
}

/// One of each that proves something, by the name of its file.
fn whole() -> Vec<(&'static str, Proven, HeadEvidence)> {
    let key = Log::new(seed()).key;
    let of = |kind, found, seen, answered| HeadEvidence {
        kind,
        key,
        seen,
        answered,
        found,
        found_at: 1_700_000_000,
    };
    let (fork, rollback) = (EvidenceKind::Fork, EvidenceKind::Rollback);
    let seen = |size| head(note(false, size), Some(1), None);
    let by_itself = |size| head(note(true, size), Some(2), None);
    vec![
        (
            "two_logs.json",
            Proven::TwoLogs,
            of(fork, Found::Refusal, seen(12), by_itself(12)),
        ),
        (
            "two_logs_carried.json",
            Proven::TwoLogs,
            of(
                fork,
                Found::Exchange,
                seen(9),
                head(note(true, 9), None, Some(0xab)),
            ),
        ),
        (
            "shorter_later.json",
            Proven::ShorterLater,
            of(rollback, Found::Answer, seen(12), by_itself(7)),
        ),
        (
            "not_linked.json",
            Proven::NotLinked,
            of(fork, Found::Proof, seen(7), by_itself(12)),
        ),
        (
            "not_linked_starts.json",
            Proven::NotLinked,
            of(fork, Found::Boots, seen(12), by_itself(7)),
        ),
    ]
}

/// Why a file of `refused.json` is none.
fn why(fault: &EvidenceFault) -> &'static str {
    match fault {
        EvidenceFault::Canonical(_) => "not_canonical",
        EvidenceFault::UnknownFormat(_) => "unknown_format",
        EvidenceFault::Member(_) => "member",
        EvidenceFault::Note(..) => "note",
        EvidenceFault::Same => "same",
        EvidenceFault::NotShorter => "not_shorter",
    }
}

/// What is not evidence: one text each.
fn refused() -> Vec<String> {
    let (_, _, whole) = whole().remove(0);
    let text = String::from_utf8(whole.to_bytes()).unwrap();
    let replaced = |from: &str, to: &str| {
        let altered = text.replacen(from, to, 1);
        assert_ne!(altered, text, "{from}");
        altered
    };
    let of = |alter: &dyn Fn(&mut HeadEvidence)| {
        let mut evidence = whole.clone();
        alter(&mut evidence);
        String::from_utf8(evidence.to_bytes()).unwrap()
    };
    let other = Log::new([7; 32]);
    vec![
        replaced("/v2\"", "/v1\""),
        replaced("/v2\"", "/v3\""),
        replaced(
            "{\"answered\"",
            "{\"a_new_one\":{\"a\":[[[\"b\"]]]},\"answered\"",
        )
        .replacen("/v2\"", "/v9\"", 1),
        replaced("{\"answered\"", "{\"a_new_one\":\"\",\"answered\""),
        replaced("{\"answered\"", "{ \"answered\""),
        replaced("\"kind\":\"fork\"", "\"kind\":\"split\""),
        replaced("\"found\":\"refusal\"", "\"found\":\"rumour\""),
        replaced("\"found_at\":\"1", "\"found_at\":\"01"),
        replaced("\"found_at\":\"1700000000\"", "\"found_at\":1700000000"),
        replaced("\"boot_id\":\"02", "\"boot_id\":\"2"),
        replaced("\"carried_by\":\"\"", "\"carried_by\":\"none\""),
        replaced("\"carried_by\":\"\",", ""),
        replaced("\"vault_id\":\"", "\"vault_id\":\"00"),
        replaced("\"identity_key\":\"MCow", "\"identity_key\":\"MCox"),
        of(&|evidence| evidence.key = other.key),
        of(&|evidence| evidence.answered.checkpoint.push('\n')),
        of(&|evidence| evidence.answered = evidence.seen.clone()),
        of(&|evidence| {
            evidence.kind = EvidenceKind::Rollback;
            evidence.answered.checkpoint = note(true, 13);
        }),
        "[]".to_owned(),
        String::new(),
    ]
}

#[test]
fn evidence_is_that_of_the_vectors_and_proves_what_its_name_says() {
    for (name, proven, evidence) in whole() {
        let text = [&evidence.to_bytes()[..], b"\n"].concat();
        vector(name, &text);
        assert!(name.starts_with(proven.name()));
        let read = HeadEvidence::from_bytes(&text).unwrap();
        assert_eq!(read, evidence);
        assert_eq!(read.check().unwrap().proven, proven, "{name}");
    }
    let ids: Vec<_> = whole()
        .iter()
        .map(|(name, _, evidence)| format!("{} {name}\n", evidence.id()))
        .collect();
    vector("ids.txt", ids.concat().as_bytes());
}

#[test]
fn what_is_no_evidence_is_refused_for_the_reason_in_the_vectors() {
    let refused = refused().into_iter().map(|text| {
        let fault = match HeadEvidence::from_bytes(text.as_bytes()) {
            Ok(read) => read.check().unwrap_err(),
            Err(fault) => fault,
        };
        Canonical::map([
            ("why", Canonical::text(why(&fault))),
            ("file", Canonical::text(text)),
        ])
    });
    let refused: Vec<_> = refused.collect();
    for reason in ["unknown_format", "member", "note", "same", "not_shorter"] {
        let has = |entry: &Canonical| entry.get("why").unwrap().as_text() == Some(reason);
        assert!(refused.iter().any(has), "{reason}");
    }
    vector("refused.json", &Canonical::List(refused).to_bytes());
}

#[test]
fn evidence_of_another_implementation_proves_what_its_name_says() {
    let mut checked = 0;
    for file in std::fs::read_dir(folder("go/evidence")).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let evidence = HeadEvidence::from_bytes(&bytes).unwrap();
        let proven = evidence.check().unwrap().proven;
        let name = path.file_stem().unwrap().to_string_lossy();
        assert_eq!(name, proven.name());
        assert_eq!([&evidence.to_bytes()[..], b"\n"].concat(), bytes);
        checked += 1;
    }
    assert_eq!(checked, 3);
}

#[test]
fn a_format_of_a_later_release_is_said_to_be_unknown_and_not_damaged() {
    let (_, _, evidence) = whole().remove(0);
    let text = String::from_utf8(evidence.to_bytes()).unwrap();
    let later = text.replacen("/v2\"", "/v3\"", 1);
    let fault = HeadEvidence::from_bytes(later.as_bytes()).unwrap_err();
    let said = fault.to_string();
    assert!(
        said.contains("head-evidence/v3") && said.contains("head-evidence/v2"),
        "{said}"
    );
    // Also where it holds more than this one may.
    let large = Canonical::map([
        ("format", Canonical::text("enclave-vaults/head-evidence/v3")),
        (
            "heads",
            Canonical::List(vec![Canonical::text("x".repeat(900)); 100]),
        ),
    ]);
    let fault = HeadEvidence::from_bytes(&large.to_bytes()).unwrap_err();
    assert!(matches!(fault, EvidenceFault::UnknownFormat(_)), "{fault}");
    let limits = Limits {
        bytes: 1 << 20,
        depth: 16,
        nodes: 1 << 12,
    };
    assert!(Canonical::from_bytes(&large.to_bytes(), limits).is_ok());
}
