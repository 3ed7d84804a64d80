//! `vectors/preamble`: the bytes that every implementation must read and make the same.
//! `UPDATE_VECTORS=1` writes them; they are frozen, so a difference is a mistake.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::preamble::{
    Batch, Binding, EXPORTER_LABEL, Evidence, Frame, Hello, Kind, MAX_PAYLOAD, Place, Proof, Reason,
};
use ratls::report_data::{self, Connection};
use ratls::{Claims, Role};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use vault_encoding::text::hex;
use vault_encoding::{Hash, sha256};

fn hold(name: &str, made: &Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/preamble");
    let path = folder.join(name);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, format!("{made:#}\n")).unwrap();
    }
    let held: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(&held, made, "{name}");
}

/// 32 bytes that differ for every text.
fn bytes(of: &str) -> [u8; 32] {
    sha256(of.as_bytes()).0
}

fn claims(role: Role, name: &str) -> Claims {
    let is_vault = role == Role::Vault;
    let root = |tree: &str| is_vault.then(|| Hash(bytes(&format!("{name} {tree}"))));
    let oids = [("1.3.6.1.4.1.65230.3.1".to_owned(), b"app".to_vec())];
    Claims {
        role,
        spki_hash: Hash(bytes(&format!("{name} spki"))),
        identity_key: if is_vault {
            Claims::identity_spki(&bytes(name))
        } else {
            Vec::new()
        },
        trust_root: root("trust"),
        operational_root: root("operational"),
        boot_id: [0xb0; 16],
        oids: if is_vault {
            BTreeMap::new()
        } else {
            oids.into()
        },
    }
}

/// As long as a quote's header and report body, with the report data in its place. Not a quote.
fn stand_in_quote(report_data: [u8; 64]) -> Vec<u8> {
    let mut quote = vec![0x51; 48 + 384];
    quote[48 + 320..].copy_from_slice(&report_data);
    quote
}

/// The exchange of one connection whose binding is at `index` of a batch of `size`.
fn exchange(name: &str, role: Role, index: u32, size: u32) -> Value {
    let claims = claims(role, name);
    let (nonce, exporter) = (
        bytes(&format!("{name} nonce")),
        bytes(&format!("{name} exporter")),
    );
    let connection = Connection {
        role,
        nonce: &nonce,
        exporter: &exporter,
        spki_hash: &claims.spki_hash,
    };
    let own = Binding::new(&connection, &claims.hash());
    let batch: Vec<_> = (0..size)
        .map(|at| {
            let nonce = &bytes(&format!("{name} neighbour {at}"));
            let other = Binding::new(
                &Connection {
                    nonce,
                    ..connection
                },
                &claims.hash(),
            );
            if at == index { own } else { other }
        })
        .collect();
    let tree = Batch::new(&batch);
    let place = tree.place(index).unwrap();
    assert!(place.holds(&own));
    assert_eq!(tree.report_data(), report_data::batch(&place.root));
    let proof = Proof {
        claims: claims.to_bytes(),
        quote: stand_in_quote(tree.report_data()),
        collateral: b"{}".to_vec(),
        place,
    };
    describe(name, &connection, &claims, &batch, proof)
}

fn describe(
    name: &str,
    connection: &Connection<'_>,
    claims: &Claims,
    batch: &[Binding],
    proof: Proof,
) -> Value {
    let Place {
        index,
        size,
        root,
        path,
    } = proof.place.clone();
    let own = &batch[index as usize];
    let report_data = report_data::batch(&root);
    let frame = match connection.role {
        Role::Caller => Frame::CallerEvidence(proof),
        Role::Vault | Role::Registry => Frame::Evidence(Evidence {
            caller_nonce: bytes("caller nonce"),
            proof,
        }),
    };
    json!({
        "name": name,
        "role": connection.role.byte(),
        "nonce": hex(connection.nonce),
        "exporter": hex(connection.exporter),
        "spki_hash": connection.spki_hash.to_string(),
        "claims": String::from_utf8(claims.to_bytes()).unwrap(),
        "claims_hash": claims.hash().to_string(),
        "binding": hex(own.as_bytes()),
        "batch": batch.iter().map(|one| hex(one.as_bytes())).collect::<Vec<_>>(),
        "index": index,
        "size": size,
        "root": root.to_string(),
        "path": path.iter().map(Hash::to_string).collect::<Vec<_>>(),
        "report_data": hex(&report_data),
        "frame": hex(&frame.encode()),
    })
}

#[test]
fn bindings_roots_and_report_data_are_those_of_the_vectors() {
    let exchanges = [
        exchange("vault alone", Role::Vault, 0, 1),
        exchange("first of two", Role::Vault, 0, 2),
        exchange("second of two", Role::Vault, 1, 2),
        exchange("third of five", Role::Vault, 2, 5),
        exchange("last of five", Role::Vault, 4, 5),
        exchange("last of seven", Role::Vault, 6, 7),
        exchange("caller alone", Role::Caller, 0, 1),
    ];
    let label = String::from_utf8(EXPORTER_LABEL.to_vec()).unwrap();
    hold(
        "exchanges.json",
        &json!({ "exporter_label": label, "exchanges": exchanges }),
    );
    for exchange in exchanges {
        let frame = unhex(exchange["frame"].as_str().unwrap());
        assert_eq!(Frame::decode(&frame).unwrap().encode(), frame);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn small_proof() -> Proof {
    Proof {
        claims: b"claims".to_vec(),
        quote: b"quote".to_vec(),
        collateral: b"collateral".to_vec(),
        place: Place {
            index: 1,
            size: 3,
            root: Hash(bytes("root")),
            path: vec![Hash(bytes("step 0")), Hash(bytes("step 1"))],
        },
    }
}

#[test]
fn every_kind_of_frame_is_written_as_in_the_vectors() {
    let hello = |offers_caller| {
        Frame::Hello(Hello {
            nonce: bytes("nonce"),
            offers_caller,
        })
    };
    let evidence = Evidence {
        caller_nonce: bytes("caller nonce"),
        proof: small_proof(),
    };
    let mut frames = vec![
        ("hello".to_owned(), hello(false)),
        ("hello that offers caller evidence".to_owned(), hello(true)),
        ("evidence".to_owned(), Frame::Evidence(evidence)),
        (
            "caller evidence".to_owned(),
            Frame::CallerEvidence(small_proof()),
        ),
        ("confirm".to_owned(), Frame::Confirm),
    ];
    let refusals =
        Reason::ALL.map(|reason| (format!("refuse: {}", reason.name()), Frame::Refuse(reason)));
    frames.extend(refusals);
    let written: Vec<_> = frames
        .iter()
        .map(|(name, frame)| {
            json!({ "name": name, "kind": frame.kind().byte(), "frame": hex(&frame.encode()) })
        })
        .collect();
    hold("frames.json", &json!({ "frames": written }));
    for (name, frame) in frames {
        assert_eq!(Frame::decode(&frame.encode()), Ok(frame), "{name}");
    }
}

#[test]
fn what_is_no_frame_is_refused_with_the_code_of_the_vectors() {
    let hello = Frame::Hello(Hello {
        nonce: bytes("nonce"),
        offers_caller: false,
    })
    .encode();
    let proof = Frame::CallerEvidence(small_proof()).encode();
    let with = |bytes: &[u8], at: usize, byte: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = byte;
        bytes
    };
    // Behind the header: 4 + 6 claims, 4 + 5 quote, 4 + 10 collateral, then the place.
    let place = 10 + 10 + 9 + 14;
    let cases = [
        (
            "an HTTP/2 client preface",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        ),
        ("another magic", with(&hello, 0, b'e')),
        ("version 2", with(&hello, 4, 2)),
        ("kind 0", with(&hello, 5, 0)),
        ("kind 6", with(&hello, 5, 6)),
        ("a hello of 34 bytes", with(&hello, 9, 34)),
        ("an unknown flag", with(&hello, 42, 2)),
        (
            "a confirm with a payload",
            with(&[&Frame::Confirm.encode()[..], &[0]].concat(), 9, 1),
        ),
        (
            "evidence of 64 KiB and a byte",
            b"EVAT\x01\x03\x00\x01\x00\x01".to_vec(),
        ),
        (
            "evidence of 4 GiB",
            b"EVAT\x01\x03\xff\xff\xff\xff".to_vec(),
        ),
        ("empty claims", with(&proof, 13, 0)),
        ("claims behind the end", with(&proof, 12, 1)),
        ("claims longer than 16 KiB", with(&proof, 12, 0x40)),
        (
            "an index that is not below the size",
            with(&proof, place + 3, 3),
        ),
        ("a path of 33 steps", with(&proof, place + 40, 33)),
        (
            "a path longer than the payload",
            with(&proof, place + 40, 3),
        ),
        ("bytes behind the path", with(&proof, place + 40, 1)),
        ("reason 0", b"EVAT\x01\x05\x00\x00\x00\x02\x00\x00".to_vec()),
        (
            "reason 13",
            b"EVAT\x01\x05\x00\x00\x00\x02\x00\x0d".to_vec(),
        ),
    ];
    let refused: Vec<_> = cases
        .iter()
        .map(|(name, bytes)| {
            let error = Frame::decode(bytes).expect_err(name);
            json!({ "name": name, "bytes": hex(bytes), "code": error.code() })
        })
        .collect();
    hold("refused.json", &json!({ "refused": refused }));
}

#[test]
fn the_page_names_every_reason_kind_and_bound() {
    let page = include_str!("../../../docs/protocol.md");
    for reason in Reason::ALL {
        let row = format!("| {} | `{}` |", reason.number(), reason.name());
        assert!(page.contains(&row), "{row}");
    }
    for kind in Kind::ALL {
        let name = format!("**{kind:?} ({})**", kind.byte());
        assert!(page.contains(&name), "{name}");
    }
    for text in [
        "65,536",
        "EXPORTER-enclave-vaults-attest-v1",
        "`45 56 41 54`",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(MAX_PAYLOAD, 65_536);
}
