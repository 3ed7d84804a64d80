//! T-FORK as a person meets it: two vaults run over copies of one folder and serve different people. The
//! first exchange of heads by way of another vault tells it, whoever carries them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod drill;
mod support;

use drill::{Person, Vault, copy};
use serde_json::Value;
use std::path::{Path, PathBuf};
use support::{Dev, Ended, signal, until};

/// One vault twice, and one over which heads are carried.
struct Bench {
    home: PathBuf,
    first: Vault,
    clone: Vault,
    post: Option<Vault>,
    ann: Person,
    bob: Person,
    carol: Person,
}

fn kill_children(dev: &Dev) {
    for name in ["vault 1", "vault 2"] {
        let pid = dev.child(name)["pid"].as_u64().unwrap();
        signal(pid.try_into().unwrap(), "KILL");
        until("the child of dev has ended", || {
            let state = dev.child(name)["state"].clone();
            match state.as_str() == Some("running") {
                true => Err(state),
                false => Ok(()),
            }
        });
    }
}

/// The folder of the clone: the same disk, and a configuration that names it.
fn clone_folder(home: &Path) -> PathBuf {
    let (folder, clone) = (home.join("D/vaults/1"), home.join("clone"));
    copy(&folder, &clone);
    let config = std::fs::read_to_string(folder.join("vault.toml")).unwrap();
    let mut config: toml::Table = toml::from_str(&config).unwrap();
    config.insert(
        "data_dir".into(),
        clone.join("data").display().to_string().into(),
    );
    config.remove("registry");
    std::fs::write(clone.join("vault.toml"), config.to_string()).unwrap();
    clone
}

impl Bench {
    /// Ann and Bob each have a key on the vault; then it is copied, and both copies run.
    fn new(home: &Path, dev: &Dev) -> Self {
        let vault = dev.vault_id(1);
        std::fs::write(home.join("message"), "message").unwrap();
        for (profile, name) in [("owner", "ann"), ("other-owner", "bob")] {
            let create = ["key", "create", "--type", "ed25519", "--name", name];
            let at = ["--vault", &vault, "--profile", profile];
            dev.json(&[&create[..], &at].concat());
        }
        kill_children(dev);
        let clone = clone_folder(home);
        let person = |name, profile| Person::new(home, name, profile);
        let bench = Self {
            first: Vault::start(home, &home.join("D/vaults/1"), 1),
            clone: Vault::start(home, &clone, 1),
            post: None,
            ann: person("ann", "owner"),
            bob: person("bob", "other-owner"),
            carol: person("carol", "auditor"),
            home: home.to_owned(),
        };
        assert_eq!(bench.first.id, bench.clone.id);
        bench
    }

    /// Nobody remembers anything, and the post carries nothing.
    fn begin(&mut self) {
        drop(self.post.take());
        let post = Vault::start(&self.home, &self.home.join("D/vaults/2"), 2);
        let place = post.place();
        self.post = Some(post);
        for person in [&self.ann, &self.bob, &self.carol] {
            person.forget();
        }
        for person in [&self.ann, &self.carol] {
            person.finds(Some(&[self.first.place(), place.clone()]));
        }
        self.bob.finds(Some(&[self.clone.place(), place]));
    }

    fn sign(&self, person: &Person, key: &str) -> u64 {
        let signed = person.ok(&self.signing(key));
        signed["vaults"][0]["receipt"]["size"].as_u64().unwrap()
    }

    fn signing<'a>(&'a self, key: &'a str) -> [&'a str; 7] {
        [
            "key",
            "sign",
            key,
            "--in",
            "message",
            "--vault",
            &self.first.id,
        ]
    }

    /// Each is served by a copy until its log has this many entries.
    fn grow(&self, ann: u64, bob: u64) {
        while self.sign(&self.ann, "ann") < ann {}
        while self.sign(&self.bob, "bob") < bob {}
    }

    /// A call that is about the post alone, which does it.
    fn passes_by(&self, person: &Person, arguments: &[&str]) -> Ended {
        let post = &self.post.as_ref().unwrap().id;
        let ended = person.call(&[&["whoami", "--vault", post], arguments].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended
    }
}

const JSON: [&str; 2] = ["--output", "json"];

/// What a call was told besides.
fn found(ended: &Ended) -> Vec<Value> {
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    let found = said.get("found").and_then(Value::as_array);
    found.cloned().unwrap_or_default()
}

#[test]
fn two_clones_are_told_at_the_first_exchange_of_heads_whoever_carries_them() {
    let scratch = tempfile::tempdir().unwrap();
    let dev = Dev::over_with(scratch.path(), &["--vaults", "2"]);
    let mut bench = Bench::new(scratch.path(), &dev);
    bench.begin();
    let mut size = bench
        .sign(&bench.ann, "ann")
        .max(bench.sign(&bench.bob, "bob"));
    let mut told = Vec::new();
    for carrier in ["ann", "bob", "carol"] {
        for (of_ann, of_bob) in [(2, 3), (3, 2), (3, 3)] {
            bench.begin();
            bench.grow(size + of_ann, size + of_bob);
            size += 3;
            // Who finds it: the one who comes after the carrier.
            let (first, second, key) = match carrier {
                "bob" => (&bench.bob, &bench.ann, "ann"),
                _ => (&bench.ann, &bench.bob, "bob"),
            };
            assert_eq!(found(&bench.passes_by(first, &JSON)), Vec::<Value>::new());
            if carrier == "carol" {
                // She has never called the vault of which there are two, and its first copy is gone
                // from the post.
                assert_eq!(
                    found(&bench.passes_by(&bench.carol, &JSON)),
                    Vec::<Value>::new()
                );
                bench.post = None;
                let folder = scratch.path().join("D/vaults/2");
                let post = Vault::start(scratch.path(), &folder, 2);
                for (person, copy) in [(&bench.bob, &bench.clone), (&bench.carol, &bench.first)] {
                    person.finds(Some(&[copy.place(), post.place()]));
                }
                bench.post = Some(post);
                assert_eq!(
                    found(&bench.passes_by(&bench.carol, &JSON)),
                    Vec::<Value>::new()
                );
            }
            let besides = found(&bench.passes_by(second, &JSON));
            let alike = of_ann == of_bob;
            assert_eq!(besides.len(), usize::from(alike), "{besides:?}");
            let error = second.told(&bench.signing(key));
            assert_eq!(error["vault_id"], bench.first.id);
            if let Some(besides) = besides.first() {
                for member in ["code", "seen", "answered", "evidence", "vault_id", "next"] {
                    assert_eq!(besides[member], error[member], "{member}");
                }
            }
            let listed = second.ok(&["vault", "evidence", "list"]);
            let kept = &listed["evidence"][0];
            let by = |head: &str| kept[head]["carried_by"].is_string();
            assert!(by("seen") || by("answered"), "{listed}");
            told.push((carrier, of_ann, of_bob, error["code"].clone()));
        }
    }
    println!(
        "T-FORK by hand: told in {} of 9 drills: {told:?}",
        told.len()
    );
    assert_eq!(told.len(), 9);

    // The other one is told when heads meet for the next time, and people read it besides.
    bench.begin();
    bench.grow(size + 2, size + 2);
    for (person, is_told) in [(&bench.ann, false), (&bench.bob, true), (&bench.ann, true)] {
        let ended = bench.passes_by(person, &["--quiet"]);
        assert_eq!(
            ended.stderr.contains("found besides: "),
            is_told,
            "{}",
            ended.stderr
        );
        assert_eq!(ended.stderr.contains("evidence kept in "), is_told);
        assert!(ended.stdout.contains("issuer"), "{}", ended.stdout);
    }
    bench.ann.is_told(&bench.signing("ann"));
    bench.bob.is_told(&bench.signing("bob"));
}
