//! A vault that was put back and has grown longer than its clients remember: nothing about its length gives it
//! away, and no token is needed to be told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod drill;
mod support;

use drill::{Person, copy, put_back};
use serde_json::Value;
use support::{Dev, Ended};

/// The error of a call that ended with 6, both heads in it.
fn told(ended: &Ended) -> Value {
    assert_eq!(ended.code, 6, "{}{}", ended.stdout, ended.stderr);
    let said: Value = serde_json::from_str(ended.stderr.trim()).unwrap();
    let error = said["error"].clone();
    assert_eq!(error["code"], "fork_detected", "{said}");
    assert!(error["seen"]["root"] != error["answered"]["root"]);
    said
}

#[test]
fn a_log_that_others_let_grow_past_what_was_seen_ends_every_question_about_it_with_6() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    std::fs::write(home.join("message"), "message").unwrap();
    let dev = Dev::over(home);
    let vault = dev.vault_id(1);
    let ann = Person::new(home, "ann", "owner");
    let bob = Person::new(home, "bob", "other-owner");
    ann.finds(None);
    let create = ["key", "create", "--type", "ed25519", "--vault", &vault];
    ann.ok(&[&create[..], &["--name", "ann"]].concat());
    let sign = |person: &Person, key: &str| {
        let signed = person.ok(&["key", "sign", key, "--in", "message"]);
        signed["vaults"][0]["receipt"]["size"].as_u64().unwrap()
    };
    copy(&home.join("D/vaults/1"), &home.join("earlier"));
    let seen = (0..4).map(|_| sign(&ann, "ann")).max().unwrap();
    dev.stop();
    put_back(&home.join("earlier"), &home.join("D/vaults/1"));
    copy(&home.join("memories"), &home.join("before"));

    let dev = Dev::over(home);
    // Bob has seen nothing, and meets nothing that ann has left.
    bob.finds(Some(&[(vault.clone(), endpoint(&dev, &vault))]));
    bob.ok(&[&create[..], &["--name", "bob"]].concat());
    while sign(&bob, "bob") <= seen {}
    // Alone with the vault, or with the others, who know nothing.
    for places in [Some([(vault.clone(), endpoint(&dev, &vault))]), None] {
        ann.finds(places.as_ref().map(|places| &places[..]));
        let key = home.join("D/governance.key.pem").display().to_string();
        let to = "11".repeat(32);
        let change = ["constellation", "reconfigure", "--vault", &vault];
        let by = ["--governance-key", &key, "--to", &to];
        let firsts: [&[&str]; 5] = [
            &["vault", "inspect", &vault],
            &["vault", "inspect", &vault, "--verify-config"],
            &[&change[..], &by, &["--dry-run"]].concat(),
            &[&change[..], &by, &["--yes"]].concat(),
            &["key", "sign", "ann", "--in", "message"],
        ];
        for first in firsts {
            put_back(&home.join("before"), &home.join("memories"));
            let said = told(&ann.script(first));
            if first[1] == "inspect" {
                assert_eq!(said["remembered_size"], seen, "{said}");
                assert_eq!(said["evidence"].as_array().unwrap().len(), 1, "{said}");
            }
            assert_eq!(ann.call(&["doctor"]).code, 6);
        }
        put_back(&home.join("before"), &home.join("memories"));
        for _ in 0..2 {
            let listed = ann.script(&["vault", "list"]);
            assert_eq!(listed.code, 6, "{}", listed.stdout);
            let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
            let vaults = listed["vaults"].as_array().unwrap();
            let forked = vaults.iter().find(|one| one["vault_id"] == vault.as_str());
            let forked = forked.unwrap();
            assert_eq!(forked["ok"], false, "{listed}");
            assert_eq!(forked["error"]["code"], "fork_detected", "{listed}");
        }
    }
}

fn endpoint(dev: &Dev, vault: &str) -> String {
    let shown = dev.json(&["vault", "inspect", vault]);
    shown["endpoint"].as_str().unwrap().to_owned()
}
