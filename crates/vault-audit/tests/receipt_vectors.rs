//! A note with an extension line and a receipt, as others read them: `vectors/audit` has both, and the
//! program in Go checks them too.
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
use support::{Log, entry, seed};
use vault_audit::{
    Checkpoint, CheckpointError, Receipt, request_hash, request_salt, verify_receipt,
};
use vault_encoding::{Canonical, Hash, Limits, sha256};

/// Compares with a file under vectors/audit; `UPDATE_VECTORS=1` writes it.
fn vector(name: &str, bytes: &[u8]) {
    let vectors = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/audit");
    let path = vectors.join(name);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name} is frozen");
}

/// A note of the log's key over any text.
fn signed(log: &Log, text: &str) -> Vec<u8> {
    let origin = log.tree.checkpoint(log.key.vault_id()).origin();
    let id = sha256(&[origin.as_bytes(), b"\n\x01", log.key.public()].concat());
    let signature = [&id.0[..4], &log.sign(text.as_bytes())].concat();
    format!("{text}\n\u{2014} {origin} {}\n", STANDARD.encode(signature)).into_bytes()
}

#[test]
fn the_signature_of_a_note_covers_its_extension_lines() {
    let log = Log::of(20, 6);
    let head = log.tree.checkpoint(log.key.vault_id());
    let text = format!("{}an extension\nand another\n", head.text());
    let note = signed(&log, &text);
    vector("extended.note", &note);
    assert_eq!(Checkpoint::verify(&note, &log.key), Ok(head));
    let changed = String::from_utf8(note).unwrap();
    for (from, to) in [("an ext", "An ext"), ("and another\n", "")] {
        let changed = changed.replacen(from, to, 1);
        assert!(Checkpoint::verify(changed.as_bytes(), &log.key).is_err());
    }
}

#[test]
fn a_size_is_below_2_to_the_63() {
    let log = Log::new(seed());
    let at = |size: u64| Checkpoint {
        size,
        ..log.tree.checkpoint(log.key.vault_id())
    };
    let most = at((1 << 63) - 1);
    let read = |head: Checkpoint| Checkpoint::verify(&signed(&log, &head.text()), &log.key);
    assert_eq!(read(most), Ok(most));
    for size in [1 << 63, u64::MAX] {
        assert_eq!(read(at(size)), Err(CheckpointError::Malformed));
    }
}

const INDEX: u64 = 7;
const ENTRIES: u64 = 12;

fn request() -> Vec<u8> {
    let payload = b"a message";
    let text = |value: &dyn std::fmt::Display| Canonical::text(value.to_string());
    let members = [
        ("operation", text(&"sign")),
        ("handle", text(&entry(INDEX).handle)),
        ("lineage", text(&entry(INDEX).lineage.unwrap())),
        ("payload_length", text(&payload.len())),
        ("payload_sha256", text(&sha256(payload))),
        ("signature_format", text(&"p1363")),
    ];
    Canonical::map(members).to_bytes()
}

/// What the caller of one entry among others was given.
fn receipt() -> (Receipt, Log) {
    let salt = request_salt(&[INDEX as u8; 32]);
    let mut log = Log::new(seed());
    for number in 0..ENTRIES {
        let mut entry = entry(number);
        if number == INDEX {
            entry.request_hash = Some(request_hash(&salt, &request()));
        }
        log.append(entry.to_leaf().unwrap());
    }
    let receipt = Receipt {
        leaf: log.export.leaves[INDEX as usize].clone(),
        request_salt: salt,
        index: INDEX,
        proof: log.tree.inclusion(INDEX, ENTRIES).unwrap(),
        checkpoint: log.checkpoint(),
    };
    (receipt, log)
}

fn to_file(receipt: &Receipt) -> Vec<u8> {
    let text = |value: &dyn std::fmt::Display| Canonical::text(value.to_string());
    let proof = receipt.proof.iter().map(|hash| text(hash)).collect();
    let members = [
        ("leaf", text(&STANDARD.encode(&receipt.leaf))),
        ("request_salt", text(&receipt.request_salt)),
        ("index", text(&receipt.index)),
        ("proof", Canonical::List(proof)),
        ("checkpoint", text(&STANDARD.encode(&receipt.checkpoint))),
        ("request", text(&String::from_utf8(request()).unwrap())),
    ];
    [&Canonical::map(members).to_bytes()[..], b"\n"].concat()
}

#[test]
fn a_receipt_leads_from_the_request_to_the_signed_head() {
    let (receipt, log) = receipt();
    let file = to_file(&receipt);
    vector("receipt.json", &file);

    let limits = Limits {
        bytes: 1 << 20,
        depth: 4,
        nodes: 1 << 10,
    };
    let read = Canonical::from_bytes(file.trim_ascii_end(), limits).unwrap();
    let text = |name: &str| read.get(name).unwrap().as_text().unwrap().to_owned();
    let Some(Canonical::List(steps)) = read.get("proof") else {
        panic!("no proof");
    };
    let step = |step: &Canonical| Hash::from_hex(step.as_text().unwrap()).unwrap();
    let read = Receipt {
        leaf: STANDARD.decode(text("leaf")).unwrap(),
        request_salt: Hash::from_hex(&text("request_salt")).unwrap(),
        index: text("index").parse().unwrap(),
        proof: steps.iter().map(step).collect(),
        checkpoint: STANDARD.decode(text("checkpoint")).unwrap(),
    };
    let verified = verify_receipt(&read, &log.key).unwrap();
    assert!(verified.is_of_request(text("request").as_bytes()));
    assert!(!verified.is_of_request(b"another request"));
}
