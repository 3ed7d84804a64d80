//! The bytes that other implementations rely on, and what is refused of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::disallowed_methods, reason = "vectors are files")]

mod support;

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use support::{Log, bare_entry, certificate_entry, entry, seed};
use vault_audit::{
    Checkpoint, CheckpointError, Entry, Export, ExportFormatError, ExtensionError, LogKey,
    NoteError, Principal, Receipt, ReceiptError, request_salt, verify_export, verify_extension,
    verify_receipt,
};
use vault_encoding::{Hash, merkle};

/// Compares with a file under vectors/audit; `UPDATE_VECTORS=1` writes it.
fn vector(name: &str, bytes: &[u8]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../vectors/audit")
        .join(name);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let stored = std::fs::read(&path).unwrap();
    let text = String::from_utf8_lossy;
    assert_eq!(text(&stored), text(bytes), "{name} is frozen");
}

#[test]
fn leaves_checkpoints_and_exports_are_those_of_the_vectors() {
    let leaf = entry(1).to_leaf().unwrap();
    vector("leaf.json", &leaf);
    vector("leaf.hash", merkle::leaf_hash(&leaf).to_string().as_bytes());
    vector("leaf-bare.json", &bare_entry().to_leaf().unwrap());
    let certificate = certificate_entry().to_leaf().unwrap();
    vector("leaf-certificate.json", &certificate);
    assert_eq!(Entry::from_leaf(&certificate).unwrap(), certificate_entry());
    let by_domain = Principal::Td {
        mrtd: [0x44; 48],
        platform: Hash([0xcd; 32]),
        rtmrs: Box::new([[0; 48], [1; 48], [2; 48], [3; 48]]),
    };
    let by_domain = Entry {
        principals: vec![by_domain],
        ..entry(1)
    };
    vector("leaf-td.json", &by_domain.to_leaf().unwrap());
    let log = Log::of(20, 6);
    vector("export.jsonl", &log.export.to_bytes());
    vector("checkpoint.note", log.export.checkpoints.last().unwrap());
    vector(
        "identity.spki.base64",
        STANDARD.encode(log.key.to_spki()).as_bytes(),
    );
    let sizes = [1, 2, 3, 4, 7, 8, 13, 20];
    vector("proofs.json", &support::proofs(&log, &sizes));
    let mut many = Log::new(seed());
    for number in 0..300 {
        let mut entry = bare_entry();
        entry.outcome = number.to_string();
        many.append(entry.to_leaf().unwrap());
    }
    many.checkpoint();
    for (path, bytes) in support::tiles(&many) {
        vector(&format!("tiles/{path}"), &bytes);
    }
    let origin = log.tree.checkpoint(log.key.vault_id()).origin();
    vector("identity.vkey", log.key.to_vkey(&origin).as_bytes());
    assert_eq!(LogKey::from_spki(&log.key.to_spki()), Ok(log.key));
    let vkey = log.key.to_vkey(&origin);
    assert_eq!(LogKey::from_vkey(&vkey), Ok(log.key));
    for (from, to) in [("/v1/", "/v2/"), ("+5", "+6"), ("+Ad", "+Bd"), ("a", "")] {
        assert!(
            LogKey::from_vkey(&vkey.replacen(from, to, 1)).is_err(),
            "{from}"
        );
    }
}

#[test]
fn the_vectors_read_back() {
    let log = Log::of(20, 6);
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../vectors/audit/export.jsonl"
    );
    let export = Export::from_bytes(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(verify_export(&export, &log.key).unwrap().entries.len(), 20);
    for leaf in &export.leaves {
        assert_eq!(Entry::from_leaf(leaf).unwrap().to_leaf().as_ref(), Ok(leaf));
    }
}

#[test]
fn every_changed_byte_of_a_leaf_is_refused_or_says_something_else() {
    let original = entry(1);
    let leaf = original.to_leaf().unwrap();
    for at in 0..leaf.len() {
        for bit in 0..8 {
            let mut altered = leaf.clone();
            altered[at] ^= 1 << bit;
            if let Ok(read) = Entry::from_leaf(&altered) {
                assert_ne!(read, original);
                assert_eq!(read.to_leaf().unwrap(), altered);
            }
        }
    }
}

#[test]
fn control_characters_of_a_token_stay_inside_their_string() {
    let mut hostile = entry(1);
    hostile.principals = vec![Principal::Oidc {
        issuer: "a\n{\"leaf\":\"x\"}\u{1b}[31m".into(),
        subject: "\",\"allowed\":\"true".into(),
    }];
    let leaf = hostile.to_leaf().unwrap();
    assert!(leaf.iter().all(|&byte| byte >= b' '));
    assert_eq!(Entry::from_leaf(&leaf).unwrap(), hostile);
    hostile.operation = "x".repeat(70_000);
    assert!(hostile.to_leaf().is_err());
}

fn signed() -> (Log, Vec<u8>) {
    let mut log = Log::of(5, 5);
    let note = log.checkpoint();
    (log, note)
}

#[test]
fn a_changed_bit_of_a_checkpoint_is_refused() {
    let (log, note) = signed();
    let checkpoint = Checkpoint::verify(&note, &log.key).unwrap();
    assert_eq!(checkpoint, log.tree.checkpoint(log.key.vault_id()));
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut altered = note.clone();
            altered[at] ^= 1 << bit;
            assert!(
                Checkpoint::verify(&altered, &log.key).is_err(),
                "byte {at} bit {bit}"
            );
        }
        assert!(Checkpoint::verify(&note[..at], &log.key).is_err());
    }
}

#[test]
fn lines_of_unknown_signers_are_ignored_and_malformed_ones_refused() {
    let (log, note) = signed();
    let with = |line: &str| [&note, line.as_bytes()].concat();
    for unknown in [
        "\u{2014} witness.example AAAAAAA=\n",
        "\u{2014} \u{fc}/x AAAAAAAAAAAA\n",
    ] {
        assert!(
            Checkpoint::verify(&with(unknown), &log.key).is_ok(),
            "{unknown}"
        );
    }
    for malformed in [
        "\u{2014} witness.example AAAAAA==\n",
        "\u{2014} witness.example AAAAAAA\n",
        "\u{2014} witness.example \n",
        "\u{2014} wit+ness AAAAAAAAAAAA\n",
        "\u{2014}  AAAAAAAAAAAA\n",
        "- witness.example AAAAAAAAAAAA\n",
        "\u{2014} witness.example AAAAAAAAAAAA",
        "\u{2014} witness.example AAAAAAAAAAAA\r\n",
        "\n",
    ] {
        assert!(
            Checkpoint::verify(&with(malformed), &log.key).is_err(),
            "{malformed:?}"
        );
    }
    let crowd = "\u{2014} witness.example AAAAAAAAAAAA\n".repeat(100);
    let error = CheckpointError::Note(NoteError::TooLarge);
    assert_eq!(Checkpoint::verify(&with(&crowd), &log.key), Err(error));
}

#[test]
fn the_signature_of_the_known_key_must_hold_in_every_line() {
    let (log, note) = signed();
    let text = String::from_utf8(note.clone()).unwrap();
    let line = text.lines().last().unwrap();
    let (name, encoded) = line.rsplit_once(' ').unwrap();
    let mut signature = STANDARD.decode(encoded).unwrap();
    signature[10] ^= 1;
    let second = format!("{name} {}\n", STANDARD.encode(signature));
    let error = CheckpointError::Note(NoteError::BadSignature);
    assert_eq!(
        Checkpoint::verify(&[&note, second.as_bytes()].concat(), &log.key),
        Err(error)
    );
}

#[test]
fn extension_lines_are_allowed_and_other_texts_are_not() {
    let (log, _) = signed();
    let checkpoint = log.tree.checkpoint(log.key.vault_id());
    let origin = checkpoint.origin();
    let sign = |text: &str| {
        let id = vault_encoding::sha256(&[origin.as_bytes(), b"\n\x01", log.key.public()].concat());
        let signature = [&id.0[..4], &log.sign(text.as_bytes())].concat();
        format!("{text}\n\u{2014} {origin} {}\n", STANDARD.encode(signature)).into_bytes()
    };
    let text = checkpoint.text();
    assert_eq!(Checkpoint::verify(&sign(&text), &log.key), Ok(checkpoint));
    assert_eq!(
        Checkpoint::verify(&sign(&format!("{text}more\n")), &log.key),
        Ok(checkpoint)
    );
    let malformed = Err(CheckpointError::Malformed);
    for (from, to) in [
        ("\n5\n", "\n05\n"),
        ("\n5\n", "\n+5\n"),
        ("\n5\n", "\n\n"),
        ("=", ""),
    ] {
        assert_eq!(
            Checkpoint::verify(&sign(&text.replace(from, to)), &log.key),
            malformed
        );
    }
    assert_eq!(
        Checkpoint::verify(&sign(&format!("{text}\nmore\n")), &log.key),
        malformed
    );
    let other = text.replace("/v1/", "/v2/");
    assert_eq!(
        Checkpoint::verify(&sign(&other), &log.key),
        Err(CheckpointError::OtherLog)
    );
}

#[test]
fn receipts_hold_for_every_entry_and_size_and_for_nothing_else() {
    let mut log = Log::new(seed());
    for number in 0..12 {
        log.append(entry(number).to_leaf().unwrap());
        let checkpoint = log.checkpoint();
        for index in 0..=number {
            let receipt = Receipt {
                leaf: log.export.leaves[index as usize].clone(),
                request_salt: request_salt(&[index as u8; 32]),
                index,
                proof: log.tree.inclusion(index, number + 1).unwrap(),
                checkpoint: checkpoint.clone(),
            };
            let verified = verify_receipt(&receipt, &log.key).unwrap();
            assert_eq!((verified.entry(), verified.index()), (&entry(index), index));
            assert!(verified.is_of_request(format!("request {index}").as_bytes()));
            assert!(!verified.is_of_request(b"another request"));
            let moved = Receipt {
                index: index + 1,
                ..receipt.clone()
            };
            assert_eq!(
                verify_receipt(&moved, &log.key),
                Err(ReceiptError::NotIncluded)
            );
            let leaf = entry(50).to_leaf().unwrap();
            let other = Receipt { leaf, ..receipt };
            assert_eq!(
                verify_receipt(&other, &log.key),
                Err(ReceiptError::NotIncluded)
            );
        }
    }
}

#[test]
fn a_later_head_extends_an_earlier_one_or_is_named_for_what_it_is() {
    let log = Log::of(20, 1);
    let at = |size: u64| Checkpoint {
        vault_id: log.key.vault_id(),
        size,
        root: log.tree.root_at(size).unwrap(),
    };
    for old in 1..=20 {
        for new in old..=20 {
            let proof = log.tree.consistency(old, new).unwrap();
            assert_eq!(verify_extension(&at(old), &at(new), &proof), Ok(()));
            let forked = Checkpoint {
                root: Hash([9; 32]),
                ..at(new)
            };
            let error = match new == old {
                true => ExtensionError::Forked { size: new },
                false => ExtensionError::NotProven { old, new },
            };
            assert_eq!(verify_extension(&at(old), &forked, &proof), Err(error));
        }
    }
    assert_eq!(verify_extension(&at(0), &at(7), &[]), Ok(()));
    let back = ExtensionError::RolledBack { old: 9, new: 8 };
    assert_eq!(verify_extension(&at(9), &at(8), &[]), Err(back));
    let other = Checkpoint {
        vault_id: Hash([1; 32]),
        ..at(9)
    };
    assert_eq!(
        verify_extension(&at(9), &other, &[]),
        Err(ExtensionError::OtherLog)
    );
}

#[test]
fn export_files_have_one_spelling() {
    let first = "{\"format\":\"enclave-vaults/log-export/v1\"}\n";
    let read = |text: String| Export::from_bytes(text.as_bytes());
    assert_eq!(read(first.to_owned()), Ok(Export::default()));
    assert_eq!(read(String::new()), Err(ExportFormatError::UnknownFormat));
    for line in [
        "{\"leaf\": \"\"}",
        "{}",
        "",
        "{\"leaf\":\"\",\"x\":\"\"}",
        "{\"leaf\":\"A\"}",
        "[]",
    ] {
        assert_eq!(
            read(format!("{first}{line}\n")),
            Err(ExportFormatError::Line(2)),
            "{line}"
        );
    }
    let behind = format!("{first}{{\"checkpoint\":\"\"}}\n{{\"leaf\":\"\"}}\n");
    assert_eq!(
        read(behind),
        Err(ExportFormatError::LeafBehindCheckpoint(3))
    );
    assert_eq!(
        read(format!("{first}{{\"leaf\":\"\"}}")),
        Err(ExportFormatError::Cut)
    );
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let text = "\\PC{0,8}|[\\x00-\\x1f\"\\\\]{0,4}";
    let hash = || proptest::option::of(any::<[u8; 32]>().prop_map(Hash));
    let principal = prop_oneof![
        (text, text).prop_map(|(issuer, subject)| Principal::Oidc { issuer, subject }),
        any::<([u8; 32], [u8; 32])>().prop_map(|(measurement, platform)| Principal::Enclave {
            measurement: Hash(measurement),
            platform: Hash(platform),
        }),
        any::<[u8; 32]>().prop_map(|spki| Principal::Certificate { spki: Hash(spki) }),
        any::<([u8; 5], [u8; 32])>().prop_map(|([mrtd, rtmrs @ ..], platform)| Principal::Td {
            mrtd: [mrtd; 48],
            platform: Hash(platform),
            rtmrs: Box::new(rtmrs.map(|byte| [byte; 48])),
        }),
    ];
    let who = proptest::collection::vec(principal, 0..4);
    let approvals = proptest::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..4);
    let numbers = any::<(Option<u64>, Option<u64>, Option<u32>, bool)>();
    (
        who,
        (text, text, text, text),
        (hash(), hash(), hash(), hash()),
        approvals,
        numbers,
    )
        .prop_map(
            |(principals, texts, hashes, approvals, (time_lo, time_hi, version, allowed))| Entry {
                time_lo,
                time_hi,
                principals,
                operation: texts.0,
                handle: texts.1,
                version,
                lineage: hashes.0,
                policy_hash: hashes.1,
                request_hash: hashes.2,
                change_hash: hashes.3,
                approvals,
                allowed,
                reason: texts.2,
                outcome: texts.3,
            },
        )
}

proptest! {
    #[test]
    fn an_entry_reads_back_from_its_leaf(entry in any_entry()) {
        let leaf = entry.to_leaf().unwrap();
        prop_assert_eq!(Entry::from_leaf(&leaf).unwrap(), entry);
    }
}
