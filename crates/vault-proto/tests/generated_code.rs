//! The committed code of `src/gen` belongs to the sources in `proto/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use vault_encoding::sha256;

#[test]
fn was_made_from_the_sources_as_they_are() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = here.join("../../proto/enclavevaults/v1");
    let sources: BTreeMap<String, String> = fs::read_dir(package)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let digest = sha256(&fs::read(&path).unwrap()).to_string();
            (format!("enclavevaults/v1/{name}"), digest)
        })
        .collect();
    let recorded: BTreeMap<String, String> =
        fs::read_to_string(here.join("src/gen/SOURCES.sha256"))
            .unwrap()
            .lines()
            .map(|line| {
                let (digest, name) = line.split_once("  ").unwrap();
                (name.to_owned(), digest.to_owned())
            })
            .collect();
    assert!(!sources.is_empty());
    assert_eq!(
        sources, recorded,
        "run: cargo run --manifest-path tools/proto-gen/Cargo.toml"
    );
}
