//! Every corpus of the tree, and small changes of it, through the bodies of the fuzz targets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use vault_fuzz::TARGETS;

/// Changed inputs of each seed.
const CHANGES: u64 = 16;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// What is kept in the tree; what the fuzzer finds lies beside it.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(fuzz().join("corpus").join(target)).unwrap();
    let mut seeds: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("seed-")
        })
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    seeds.sort();
    seeds
}

/// The same changes in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }

    fn change(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.below(256) as u8),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.extend_from_slice(seed),
            }
        }
        bytes
    }
}

#[test]
fn every_seed_and_small_changes_of_it_keep_what_the_targets_promise() {
    let mut broken = Vec::new();
    let mut run = 0;
    for (name, body) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seed");
        for (path, seed) in seeds {
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
            let changed = (0..CHANGES).map(|_| dice.change(&seed));
            for (number, input) in std::iter::once(seed.clone()).chain(changed).enumerate() {
                run += 1;
                if catch_unwind(|| body(&input)).is_err() {
                    broken.push(format!("{}, change {number}", path.display()));
                }
            }
        }
    }
    fs::remove_dir_all(vault_fuzz::folder()).unwrap();
    println!("{} targets, {run} inputs", TARGETS.len());
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_target_has_a_program_a_corpus_and_a_line_of_the_table() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(fuzz().join(folder)).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        entries.map(|entry| stem(entry.unwrap().path())).collect()
    };
    assert_eq!(names("fuzz_targets"), known);
    let mut corpora = names("corpus");
    // The wallet's own tests replay these.
    corpora.retain(|name| !name.starts_with("wallet-"));
    assert_eq!(corpora, known);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let readme = fs::read_to_string(fuzz().join("README.md")).unwrap();
    for name in &known {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
        assert!(readme.contains(&format!("`{name}`")), "{name}");
        let program = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            program.contains(&format!("vault_fuzz::{name}::run(data)")),
            "{name}"
        );
    }
}

#[test]
#[ignore = "changes the corpora of the tree"]
fn writes_the_seeds() {
    let corpus = fuzz().join("corpus");
    let seeds = vault_fuzz::seeds::all();
    for (target, name, bytes) in &seeds {
        std::fs::create_dir_all(corpus.join(target)).unwrap();
        std::fs::write(corpus.join(target).join(name), bytes).unwrap();
    }
    println!("{} seeds", seeds.len());
}

#[test]
#[ignore = "changes the corpora of the tree: keys are new every time"]
fn writes_certificates_and_a_credential() {
    let made = [
        ("leaf/seed-leaf", vault_fuzz::leaf::genuine()),
        ("chain/seed-genuine", vault_fuzz::chain::genuine()),
        (
            "written/seed-credential",
            vault_fuzz::written::new_credential(),
        ),
    ];
    for (name, bytes) in made {
        std::fs::write(fuzz().join("corpus").join(name), bytes).unwrap();
    }
}
