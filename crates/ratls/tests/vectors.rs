//! The language-neutral vectors of claims and configuration trees.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::config_tree::{ConfigTree, Part};
use ratls::{Claims, report_data};
use serde_json::Value;
use vault_encoding::{Canonical, Json, Limits, text};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../vectors/attestation/claims.json")).unwrap()
}

fn each<'a>(vectors: &'a Value, name: &str) -> &'a Vec<Value> {
    let list = vectors[name].as_array().unwrap();
    assert!(!list.is_empty());
    list
}

#[test]
fn claims_have_the_hash_and_report_data_of_the_vectors() {
    for vector in each(&vectors(), "claims") {
        let bytes = vector["text"].as_str().unwrap().as_bytes();
        let claims = Claims::from_bytes(bytes).unwrap();
        assert_eq!(claims.to_bytes(), bytes, "{}", vector["name"]);
        assert_eq!(claims.hash().to_string(), vector["hash"]);
        let report_data = text::hex(&report_data::leaf(&claims.hash()));
        assert_eq!(report_data, vector["leaf_report_data"]);
        let vault_id = claims.vault_id().map(|id| id.to_string());
        assert_eq!(vault_id.as_deref(), vector["vault_id"].as_str());
    }
}

#[test]
fn refuses_the_texts_that_the_vectors_refuse() {
    for vector in each(&vectors(), "refused") {
        let text = vector["text"].as_str().unwrap();
        assert!(
            Claims::from_bytes(text.as_bytes()).is_err(),
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn configuration_trees_have_the_roots_of_the_vectors() {
    let limits = Limits {
        bytes: 1024,
        depth: 8,
        nodes: 64,
    };
    for vector in each(&vectors(), "config_trees") {
        let part = match vector["part"].as_str().unwrap() {
            "trust" => Part::Trust,
            "operational" => Part::Operational,
            other => panic!("{other}"),
        };
        let entries = vector["entries"].as_array().unwrap().iter().map(|entry| {
            let value = Json::parse(entry["value"].to_string().as_bytes(), limits).unwrap();
            let path = entry["path"].as_str().unwrap().to_owned();
            (path, Canonical::from_json(value).unwrap())
        });
        let tree = ConfigTree::new(part, entries).unwrap();
        assert_eq!(tree.root().to_string(), vector["root"], "{vector}");
    }
}
