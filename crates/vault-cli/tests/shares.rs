//! Wrong shares, and results that are not whole: named vault by vault, with the exit code that
//! says so.
#![cfg(feature = "dev")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use support::{Dev, Ended, signal};

const SECRET: &[u8] = b"correct horse battery staple";

fn ids(value: &Value) -> Vec<String> {
    let ids = value.as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr))
}

fn split(dev: &Dev, name: &str) {
    dev.write("seed", SECRET);
    let split = ["secret", "split", name, "--in", "seed"];
    dev.json(&[&split[..], &["--threshold", "2", "--shares", "4"]].concat());
}

/// The id of the set that is recorded under this name.
fn set_of(dev: &Dev, name: &str) -> String {
    let listed = dev.json(&["secret", "list"]);
    let mut listed = listed["secrets"].as_array().unwrap().iter();
    let found = listed.find(|secret| secret["name"] == name).unwrap();
    found["set_id"].as_str().unwrap().to_owned()
}

/// Splits the secret 2 of 4, and lets the share of vault 3 be damaged on its way there.
fn with_damaged(dev: &Dev, name: &str) -> String {
    let broken = dev.vault_id(3);
    dev.write("seed", SECRET);
    if dev.json(&["secret", "list"])["secrets"][0].is_null() {
        // It makes the owner key.
        split(dev, "whole");
    }
    let split = ["__shares", "split-broken", name, "--in", "seed"];
    let more = ["--threshold", "2", "--broken", &broken];
    dev.json(&[&split[..], &more].concat());
    broken
}

/// The entries of `vaults`, of which each vault has one, and the code of each error.
fn by_vault(told: &Value) -> Vec<(String, Option<String>)> {
    let entries = told["vaults"].as_array().unwrap().iter();
    let entries: Vec<_> = entries
        .map(|entry| {
            let code = entry["error"]["code"].as_str().map(str::to_owned);
            assert_eq!(entry["ok"], code.is_none(), "{entry}");
            (entry["vault_id"].as_str().unwrap().to_owned(), code)
        })
        .collect();
    let vaults: BTreeSet<_> = entries.iter().map(|(vault, _)| vault).collect();
    assert_eq!(vaults.len(), entries.len(), "{told}");
    entries
}

fn code_of(told: &Value, vault: &str) -> Option<String> {
    let mut entries = by_vault(told).into_iter();
    entries.find(|(named, _)| named == vault).unwrap().1
}

fn damaged() -> Option<String> {
    Some("shares_damaged".to_owned())
}

#[test]
fn a_refresh_names_the_vault_of_a_wrong_share_and_is_partial_although_it_is_done() {
    let dev = Dev::start();
    let broken = with_damaged(&dev, "seed");
    let refresh = ["secret", "refresh", "seed"];
    let ended = dev.json_call(&refresh);
    assert_eq!(ended.code, 10, "{}", ended.stderr);
    let told = json(&ended);
    assert_eq!(ids(&told["wrong"]), [broken.as_str()]);
    assert_eq!(told["generation"], 2);
    assert_eq!(by_vault(&told).len(), 4);
    assert_eq!(code_of(&told, &broken), damaged());
    // Its new share is good.
    let again = dev.json(&refresh);
    assert!(by_vault(&again).iter().all(|(_, code)| code.is_none()));

    // For people too, each vault once, and the wrong one is said to be that.
    with_damaged(&dev, "other");
    let ended = dev.evault(&["secret", "refresh", "other"]);
    assert_eq!(ended.code, 10, "{}", ended.stderr);
    for number in 1..=4 {
        let vault = dev.vault_id(number);
        let mut lines = ended.stdout.lines().filter(|line| line.contains(&vault));
        let line = lines.next().unwrap_or_else(|| panic!("{}", ended.stdout));
        assert_eq!(line.contains("WRONG"), vault == broken, "{line}");
        assert_eq!(lines.next(), None, "{}", ended.stdout);
    }
}

#[test]
fn where_nothing_could_be_changed_every_vault_is_told_and_the_wrong_share_too() {
    let dev = Dev::start();
    let broken = with_damaged(&dev, "seed");
    let away = dev.vault_id(4);
    let pid = dev.child("vault 4")["pid"].as_u64().unwrap();
    signal(u32::try_from(pid).unwrap(), "KILL");
    let refresh = ["secret", "refresh", "seed"];
    let ended = dev.json_call(&refresh);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let told: Value = serde_json::from_str(&ended.stderr).unwrap();
    let message = told["error"]["message"].as_str().unwrap();
    assert!(
        message.contains(&broken) && message.contains(&away),
        "{message}"
    );
    assert_eq!(by_vault(&told).len(), 4);
    assert_eq!(code_of(&told, &broken), damaged());
    assert!(code_of(&told, &away).is_some());
    let people = dev.evault(&refresh);
    for number in 1..=4 {
        let line = format!("  {}  ", dev.vault_id(number));
        assert_eq!(people.stderr.matches(&line).count(), 1, "{}", people.stderr);
    }

    // A repair replaces both; what was wrong is told, and what is out of reach takes nothing away.
    let ended = dev.json_call(&["secret", "repair", "seed"]);
    assert_eq!(ended.code, 10, "{}", ended.stderr);
    let told = json(&ended);
    assert_eq!(ids(&told["wrong"]), [broken.as_str()]);
    assert_eq!(ids(&told["left_on_departed"]), [away.as_str()]);
    assert_eq!(
        (&told["shares"], &told["threshold"]),
        (&2.into(), &2.into())
    );
    assert_eq!(by_vault(&told).len(), 4);
    assert_eq!(code_of(&told, &broken), damaged());
    let ended = dev.json_call(&refresh);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ids(&json(&ended)["left_on_departed"]), [away.as_str()]);

    let doctor = dev.json_call(&["doctor"]);
    let checks = json(&doctor)["checks"].clone();
    let mut checks = checks.as_array().unwrap().iter();
    let old = checks.find(|check| check["name"] == "old shares of seed");
    let detail = old.unwrap()["detail"].as_str().unwrap();
    assert!(detail.contains(&away[..8]), "{detail}");
    assert!(detail.contains("worth nothing"), "{detail}");
}

#[test]
fn a_recovery_looks_at_its_targets_before_it_asks_anybody() {
    let dev = Dev::start();
    split(&dev, "seed");
    let set = set_of(&dev, "seed");
    // Nobody can be asked: there is no registry.
    let refused = |code: i32, arguments: &[&str]| {
        let nowhere = ["secret", "recover", "--registry", "http://127.0.0.1:1"];
        let error = dev.error(code, &[&nowhere[..], arguments].concat());
        error["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(2, &["--out-dir", "seed"]), "file_inaccessible");
    assert_eq!(
        refused(2, &["--out-dir", "/proc/none"]),
        "file_inaccessible"
    );
    assert_eq!(refused(2, &["--out-dir", "D"]), "file_inaccessible");
    let taken = format!("{set}=seed");
    assert_eq!(refused(9, &["--adopt", &taken]), "already_exists");
    let no_name = format!("{set}=no/name");
    assert_eq!(refused(2, &["--adopt", &no_name]), "invalid_argument");
    let good = format!("{set}=again");
    let missing = ["--adopt", &good, "--policy", "no-such-file"];
    assert_eq!(refused(2, &missing), "file_inaccessible");
    assert_eq!(refused(5, &["--adopt", &good]), "too_few_vaults");
}

#[test]
fn a_recovery_that_is_not_whole_is_partial_and_adopts_what_enough_vaults_agree_on() {
    let dev = Dev::start();
    let broken = with_damaged(&dev, "seed");
    let set = set_of(&dev, "seed");
    let policy = |name: &str| {
        let record = dev
            .home()
            .join(format!("D/state/secrets/{name}/record.json"));
        let record: Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
        record["record"]["policy"].clone()
    };
    let before = policy("seed");
    std::fs::remove_dir_all(dev.home().join("D/state/secrets")).unwrap();

    let unknown = [
        "secret",
        "recover",
        "--adopt",
        "ffff=seed",
        "--out-dir",
        "none",
    ];
    let ended = dev.json_call(&unknown);
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    let told: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(by_vault(&told).len(), 4);
    let none = std::fs::read_dir(dev.home().join("none")).unwrap();
    assert_eq!(
        none.count(),
        0,
        "nothing is written where something is refused"
    );

    let adopt = format!("{}=seed", &set[..8]);
    let recover = ["secret", "recover", "--out-dir", "found", "--adopt", &adopt];
    let ended = dev.json_call(&recover);
    assert_eq!(ended.code, 10, "{}", ended.stderr);
    let told = json(&ended);
    assert_eq!(told["unmatched"][0]["vault_id"], broken.as_str());
    let mut sets = told["sets"].as_array().unwrap().iter();
    let found = sets.find(|found| found["set_id"] == set.as_str()).unwrap();
    assert_eq!(
        (&found["name"], &found["complete"]),
        (&"seed".into(), &false.into())
    );
    assert_eq!(found["error"], Value::Null);
    let file = dev.home().join(found["file"].as_str().unwrap());
    assert_eq!(std::fs::read(file).unwrap(), SECRET);
    assert_eq!(policy("seed"), before);
    let adopt = format!("{set}=other");
    let given = ["--adopt", &adopt, "--policy", "template:owner"];
    let twice = dev.error(9, &[&["secret", "recover"][..], &given].concat());
    assert!(
        twice["message"].as_str().unwrap().contains("as seed"),
        "{twice}"
    );
    std::fs::remove_dir_all(dev.home().join("D/state/secrets")).unwrap();
    let ended = dev.json_call(&[&["secret", "recover"][..], &given].concat());
    assert_eq!(ended.code, 10, "{}", ended.stderr);
    assert_eq!(policy("other"), before);
}
