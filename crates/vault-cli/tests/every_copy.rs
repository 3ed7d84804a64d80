//! T-ROLL as docs/rollback.md tells a reader to try it: of one vault's folder there is a copy after every
//! step of a history; each is put back, and the next command of everybody who has used the vault since
//! ends with 6. Who has seen nothing that is gone goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod drill;
mod support;

use drill::{Person, Vault, copy, put_back};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use support::{Dev, signal, until};

/// Steps of the history, with a copy after each.
const COPIES: usize = 54;
/// After this step one client goes away, and an auditor keeps a checkpoint.
const EARLY: usize = 20;
/// Each of these copies is put back under the whole of `dev`, the others under their vault alone.
const WHOLE: usize = 9;

/// Small files, and snapshots within the history.
const LIMITS: &str = "\n[limits]\nsnapshot_records = 16\nsegment_mib = 1\n";

/// Those who use the vault, each with a memory of their own.
struct People {
    ann: Person,
    bob: Person,
    /// Owns the key that ann has; came until [`EARLY`].
    early: Person,
    auditor: Person,
}

impl People {
    fn all(&self) -> [&Person; 4] {
        [&self.ann, &self.bob, &self.early, &self.auditor]
    }

    fn find(&self, places: Option<&[(String, String)]>) {
        self.all().iter().for_each(|person| person.finds(places));
    }
}

struct Drill {
    home: PathBuf,
    people: People,
}

impl Drill {
    fn new(home: &Path) -> Self {
        let person = |name, profile| Person::new(home, name, profile);
        let people = People {
            ann: person("ann", "owner"),
            bob: person("bob", "other-owner"),
            early: person("early", "owner"),
            auditor: person("auditor", "auditor"),
        };
        let home = home.to_owned();
        Self { home, people }
    }

    fn folder(&self) -> PathBuf {
        self.home.join("D/vaults/1")
    }

    fn copy(&self, number: usize) -> PathBuf {
        self.home.join(format!("copies/{number}"))
    }

    /// From now on the vault of this `dev` is started and stopped here.
    fn take_over(&self, dev: &Dev) {
        let vault = dev.child("vault 1");
        signal(vault["pid"].as_u64().unwrap().try_into().unwrap(), "KILL");
        until("its vault has ended", || {
            let state = dev.child("vault 1")["state"].clone();
            match state.as_str() == Some("running") {
                true => Err(state),
                false => Ok(()),
            }
        });
    }

    /// Nobody has used the vault: its log begins anew, under the limits of this test.
    fn limit(&self) {
        let toml = self.folder().join("vault.toml");
        let plain = std::fs::read_to_string(&toml).unwrap();
        std::fs::write(&toml, plain + LIMITS).unwrap();
        std::fs::remove_file(self.folder().join("data/log-00000000.seg")).unwrap();
    }

    fn start(&self) -> Vault {
        let vault = Vault::start(&self.home, &self.folder(), 1);
        assert_eq!(vault.locked, None);
        self.people.find(Some(&[vault.place()]));
        vault
    }

    /// A policy of 50 KB, which fills the log.
    fn write_large_policy(&self) {
        let me = self.people.ann.ok(&["whoami"]);
        let (issuer, subject) = (&me["issuer"], &me["subject"]);
        let template = ["policy", "template", "owner", "--type", "p256"];
        let owner = ["--owner-issuer", issuer.as_str().unwrap()];
        let owner = [&owner[..], &["--owner-subject", subject.as_str().unwrap()]].concat();
        let mut policy = self.people.ann.ok(&[&template[..], &owner].concat())["policy"].clone();
        let caller = |number| {
            let issuer = format!("https://{}", "i".repeat(200));
            let subject = format!("{number:04}{}", "s".repeat(240));
            let oidc = json!({ "issuer": issuer, "subject": subject });
            json!({ "id": format!("caller-{number}"), "oidc": oidc })
        };
        policy["principals"]["callers"] = (0..100).map(caller).collect::<Vec<Value>>().into();
        std::fs::write(self.home.join("large.json"), policy.to_string()).unwrap();
    }

    fn create_large(&self, name: &str) {
        let create = ["key", "create", "--type", "p256", "--policy", "large.json"];
        let named = ["--name", name];
        self.people.ann.ok(&[&create[..], &named].concat());
    }

    /// One step: what is made, used and deleted.
    fn step(&self, number: usize) {
        let People { ann, bob, .. } = &self.people;
        match number % 9 {
            1 | 2 | 5 => self.create_large(&format!("large-{number}")),
            3 => {
                let name = format!("bob-{number}");
                bob.ok(&["key", "create", "--type", "ed25519", "--name", &name]);
            }
            4 => drop(bob.ok(&BOB_SIGNS)),
            6 => {
                let name = format!("large-{}", number - 1);
                ann.ok(&["key", "delete", &name, "--yes"]);
            }
            8 => drop(ann.ok(&["key", "wrap", "aes", "--in", "message", "--out", "sealed"])),
            _ => drop(ann.ok(&SIGN)),
        }
    }

    /// Everything that happens, with a copy after each step.
    fn live(&self, mut vault: Vault) -> Vault {
        let People {
            ann, bob, early, ..
        } = &self.people;
        std::fs::write(self.home.join("message"), "message").unwrap();
        ann.ok(&["key", "create", "--type", "p256", "--name", "ann"]);
        ann.ok(&["key", "create", "--type", "aes256-gcm", "--name", "aes"]);
        bob.ok(&["key", "create", "--type", "ed25519", "--name", "bob"]);
        self.write_large_policy();
        for number in 0..6 {
            self.create_large(&format!("first-{number}"));
        }
        std::fs::create_dir(self.home.join("copies")).unwrap();
        for number in 0..COPIES {
            self.step(number);
            if number == EARLY {
                early.ok(&SIGN);
                self.keep_checkpoint("early");
            }
            if number % 27 == 7 {
                vault.stop();
                vault = self.start();
                ann.ok(&SIGN);
            }
            vault.snapshot(&self.folder(), &self.copy(number));
        }
        vault
    }

    fn keep_checkpoint(&self, name: &str) {
        let export = ["audit", "export", "--out", "log", "--checkpoint", name];
        self.people.auditor.ok(&export);
    }

    /// An auditor elsewhere, who has kept nothing but this checkpoint.
    fn outside(&self, checkpoint: &str) -> Outside<'_> {
        let auditor = &self.people.auditor;
        auditor.forget();
        let checkpoint = checkpoint.to_owned();
        Outside {
            auditor,
            checkpoint,
        }
    }

    /// Everybody is what they were when the history ended.
    fn remember(&self) {
        put_back(&self.home.join("remembered"), &self.home.join("memories"));
    }

    /// What everybody finds who calls a vault over this copy. Whether a shorter log was shown to ann.
    fn judge(&self, number: usize, last: &Value) -> bool {
        let People {
            ann, bob, early, ..
        } = &self.people;
        let (error, of_bob, of_auditor) = std::thread::scope(|scope| {
            let ann = scope.spawn(|| ann.told(&SIGN));
            let bob = scope.spawn(|| bob.is_told(&BOB_SIGNS));
            let auditor = scope.spawn(|| self.outside("newest").told());
            let joined = (ann.join(), bob.join(), auditor.join());
            (joined.0.unwrap(), joined.1.unwrap(), joined.2.unwrap())
        });
        for head in ["size", "root"] {
            let receipt = &last["vaults"][0]["receipt"][head];
            assert_eq!(error["seen"][head], *receipt, "copy {number}");
        }
        let newest = std::fs::read_to_string(self.home.join("newest")).unwrap();
        let size = of_auditor["seen"]["size"].as_u64().unwrap();
        assert_eq!(newest.lines().nth(1), Some(&*size.to_string()));
        assert!(of_bob.contains("[rollback_detected]") || of_bob.contains("[fork_detected]"));
        // Neither asks it for anything more.
        for refused in [&["key", "list"][..], &SIGN] {
            let refused = ann.told(refused);
            let message = refused["message"].as_str().unwrap();
            assert!(message.contains("is not acknowledged"), "{message}");
            assert_eq!(refused["evidence"], error["evidence"]);
        }
        let early_sign = early.script(&SIGN);
        let checked = self.outside("early").verify();
        let expected = if number < EARLY { 6 } else { 0 };
        let codes = (early_sign.code, checked);
        assert_eq!(codes, (expected, expected), "copy {number}");
        if number.is_multiple_of(6) {
            self.check_evidence(&error);
        }
        error["code"] == "rollback_detected"
    }

    /// What ann has kept can be listed, shown, handed on, and checked by somebody else.
    fn check_evidence(&self, error: &Value) {
        let ann = &self.people.ann;
        let listed = ann.ok(&["vault", "evidence", "list"]);
        let listed = listed["evidence"].as_array().unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
        let id = listed[0]["id"].as_str().unwrap();
        assert_eq!(error["next"], format!("evault vault evidence show {id}"));
        let shown = ann.ok(&["vault", "evidence", "show", id]);
        assert_eq!(shown["acknowledged"], Value::Null);
        ann.ok(&["vault", "evidence", "export", id, "--out", "evidence"]);
        let stranger = Person::new(&self.home, "stranger", "stranger");
        stranger.finds(Some(&[]));
        let verified = stranger.ok(&["audit", "verify", "--evidence", "evidence"]);
        for head in ["seen", "answered"] {
            assert_eq!(verified[head]["root"], error[head]["root"]);
        }
        let proves = match error["code"].as_str().unwrap() {
            "rollback_detected" => "shorter_later",
            _ => "two_logs",
        };
        assert_eq!(verified["proves"], proves);
        assert_eq!(verified["vault_id"], error["vault_id"]);
    }
}

/// An auditor who has nothing but a checkpoint.
struct Outside<'a> {
    auditor: &'a Person,
    checkpoint: String,
}

impl Outside<'_> {
    fn told(&self) -> Value {
        let checkpoint = &self.checkpoint;
        self.auditor
            .told(&["audit", "verify", "--since", checkpoint])
    }

    fn verify(&self) -> i32 {
        let checkpoint = &self.checkpoint;
        let verify = ["audit", "verify", "--since", checkpoint];
        self.auditor.script(&verify).code
    }
}

const SIGN: [&str; 5] = ["key", "sign", "ann", "--in", "message"];
const BOB_SIGNS: [&str; 5] = ["key", "sign", "bob", "--in", "message"];

#[test]
fn every_earlier_copy_of_a_folder_is_told_to_all_who_used_the_vault_since_and_to_nobody_else() {
    let scratch = tempfile::tempdir().unwrap();
    let drill = Drill::new(scratch.path());
    let dev = Dev::over_with(scratch.path(), &["--vaults", "1"]);
    drill.take_over(&dev);
    drill.limit();
    let vault = drill.live(drill.start());
    let People { ann, bob, .. } = &drill.people;
    bob.ok(&BOB_SIGNS);
    drill.keep_checkpoint("newest");
    let last = ann.ok(&SIGN);
    vault.stop();
    copy(&drill.folder(), &drill.home.join("newest-copy"));
    copy(&drill.home.join("memories"), &drill.home.join("remembered"));
    let files: BTreeSet<_> = (0..COPIES).flat_map(|n| names(&drill.copy(n))).collect();
    for name in ["log-00000001.seg", "snapshot.sealed", "snapshot.previous"] {
        assert!(files.contains(name), "{name} in {files:?}");
    }

    let mut shorter = 0;
    for number in (0..COPIES).filter(|number| number % WHOLE != 0) {
        put_back(&drill.copy(number), &drill.folder());
        drill.remember();
        let vault = drill.start();
        shorter += usize::from(drill.judge(number, &last));
        vault.stop();
    }
    dev.stop();
    let whole: Vec<_> = (0..COPIES).step_by(WHOLE).collect();
    for number in &whole {
        put_back(&drill.copy(*number), &drill.folder());
        drill.remember();
        let dev = Dev::over(scratch.path());
        drill.people.find(None);
        shorter += usize::from(drill.judge(*number, &last));
        dev.stop();
    }
    println!(
        "T-ROLL by hand: {COPIES} copies put back, {} of them under the whole of dev: {shorter} \
         rollbacks, {} forks; who left after copy {EARLY} was told {EARLY} times and went on {} times",
        whole.len(),
        COPIES - shorter,
        COPIES - EARLY,
    );

    // The newest copy is no loss to anybody.
    put_back(&drill.home.join("newest-copy"), &drill.folder());
    drill.remember();
    let dev = Dev::over(scratch.path());
    drill.people.find(None);
    ann.ok(&SIGN);
    bob.ok(&BOB_SIGNS);
    for checkpoint in ["early", "newest"] {
        assert_eq!(drill.outside(checkpoint).verify(), 0);
    }
    dev.stop();
}

/// The files of a vault.
fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("data")).unwrap();
    let name = |file: std::io::Result<std::fs::DirEntry>| file.unwrap().file_name();
    files
        .map(|file| name(file).into_string().unwrap())
        .collect()
}
