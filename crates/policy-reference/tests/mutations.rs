//! The differential run notices every listed mutation of either implementation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Mutation {
    file: String,
    /// The kind of case that must catch it; any.
    kind: Option<String>,
    before: String,
    after: String,
}

/// The mutations of a list, of files below this folder of `crates`.
fn mutations(text: &str, folder: &str) -> Vec<Mutation> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    lines
        .chunks(3)
        .map(|block| {
            let (file, kind) = match block[0].split_once(" by ") {
                Some((file, kind)) => (file, Some(kind.to_owned())),
                None => (block[0], None),
            };
            Mutation {
                file: format!("{folder}/{file}"),
                kind,
                before: block[1].strip_prefix("- ").unwrap().to_owned(),
                after: block[2].strip_prefix("+ ").unwrap().to_owned(),
            }
        })
        .collect()
}

/// A workspace of its own that holds copies of the three crates.
struct Bench {
    root: PathBuf,
}

impl Bench {
    fn new(name: &str) -> Self {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap()
            .to_path_buf();
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(root.join("crates"));
        for name in ["vault-encoding", "vault-policy", "policy-reference"] {
            copy(&crates.join(name), &root.join("crates").join(name));
        }
        let workspace = crates.parent().unwrap();
        let manifest = fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
        let manifest = manifest
            .replace("default-members = [\"crates/vault-cli\"]\n", "")
            .replace("opt-level = 1", "opt-level = 0");
        fs::write(root.join("Cargo.toml"), manifest).unwrap();
        fs::copy(workspace.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
        Self { root }
    }

    /// All kinds of cases, or one.
    fn run(&self, kind: Option<&str>) -> Output {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        Command::new(cargo)
            .args([
                "run",
                "--quiet",
                "--offline",
                "--package",
                "policy-reference",
                "--",
                "10000",
                "0",
                "brief",
            ])
            .args(kind)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env("RUSTFLAGS", "--cap-lints=allow")
            .output()
            .unwrap()
    }

    fn with<T>(&self, mutation: &Mutation, check: impl FnOnce(&Self) -> T) -> T {
        let file = self.root.join("crates").join(&mutation.file);
        let original = fs::read_to_string(&file).unwrap();
        let (flat, wanted) = (original.clone(), mutation.before.clone());
        assert_eq!(
            flat.matches(&wanted).count(),
            1,
            "{}: {}",
            mutation.file,
            mutation.before
        );
        fs::write(&file, original.replace(&mutation.before, &mutation.after)).unwrap();
        let result = check(self);
        fs::write(&file, original).unwrap();
        result
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn assert_all_are_caught(name: &str, mutations: &[Mutation]) {
    let bench = Bench::new(name);
    let unchanged = bench.run(None);
    assert!(
        unchanged.status.success(),
        "{}",
        String::from_utf8_lossy(&unchanged.stdout)
    );
    let mut survivors = Vec::new();
    for mutation in mutations {
        let output = bench.with(mutation, |bench| bench.run(mutation.kind.as_deref()));
        let said = String::from_utf8_lossy(&output.stdout);
        // A mutation that does not compile says nothing on stdout: it proves nothing.
        let last = said.lines().last().unwrap_or_default();
        if output.status.success() || !last.starts_with("seed ") {
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            survivors.push(format!("{}: {}\n{errors}", mutation.file, mutation.after));
        }
    }
    println!("{} mutations, {} survive", mutations.len(), survivors.len());
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn every_listed_mutation_of_the_decision_is_caught_by_ten_thousand_cases() {
    let mutations = mutations(include_str!("../mutations.txt"), "vault-policy/src");
    assert!(mutations.len() >= 30);
    assert_all_are_caught("mutations", &mutations);
}

#[test]
#[ignore = "the long run: a build for each mutation"]
fn every_listed_mutation_of_the_second_implementation_is_caught_by_ten_thousand_cases() {
    let list = include_str!("../mutations-here.txt");
    let mutations = mutations(list, "policy-reference/src");
    assert!(mutations.len() >= 60);
    assert_all_are_caught("mutations-here", &mutations);
}
