//! Writes the seeds of those targets whose formats are made here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::Path;

#[test]
#[ignore = "changes the corpora of the tree"]
fn writes_the_seeds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let seeds = vault_fuzz::seeds::all();
    for (target, name, bytes) in &seeds {
        std::fs::create_dir_all(corpus.join(target)).unwrap();
        std::fs::write(corpus.join(target).join(name), bytes).unwrap();
    }
    println!("{} seeds", seeds.len());
}

#[test]
#[ignore = "changes the corpora of the tree: the key of a certificate is new every time"]
fn writes_a_certificate() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    std::fs::write(corpus.join("leaf/seed-leaf"), vault_fuzz::leaf::genuine()).unwrap();
}
