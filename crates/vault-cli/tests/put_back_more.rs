//! A vault of four that was put back, met by every kind of command; folders of which only some files were
//! put back; and what is no rollback at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod drill;
mod support;

use drill::{Person, Vault, copy, put_back};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Dev, EVAULT, Ended};

/// The result of a call that ends with 6 and has one all the same.
fn result(ended: &Ended) -> Value {
    assert_eq!(ended.code, 6, "{}{}", ended.stdout, ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// The vaults whose entry in `vaults` is a failure, each with its error.
fn failures(result: &Value) -> Vec<(String, Value)> {
    let entries = result["vaults"].as_array().unwrap().iter();
    let failed = entries.filter(|entry| entry["ok"] == false);
    failed
        .map(|entry| {
            let id = entry["vault_id"].as_str().unwrap();
            (id.to_owned(), entry["error"].clone())
        })
        .collect()
}

/// Only this vault failed: its log was put back, and both heads are named.
fn only_put_back(result: &Value, vault: &str) {
    let failed = failures(result);
    assert_eq!(failed.len(), 1, "{result}");
    assert_eq!(failed[0].0, vault);
    assert_eq!(failed[0].1["code"], "rollback_detected", "{result}");
    assert!(failed[0].1["seen"]["size"].as_u64() > failed[0].1["answered"]["size"].as_u64());
}

#[test]
fn a_vault_of_four_that_was_put_back_is_told_by_every_command_and_the_others_go_on() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let dev = Dev::over(home);
    let (vault, other) = (dev.vault_id(1), dev.vault_id(2));
    std::fs::write(home.join("message"), "message").unwrap();
    std::fs::write(home.join("seed"), "a secret of everybody").unwrap();
    let ann = Person::new(home, "ann", "owner");
    let new = Person::new(home, "new", "owner");
    ann.finds(None);
    let create = ["key", "create", "--type", "p256", "--name"];
    let mine = ann.ok(&[&create[..], &["mine", "--vault", &vault]].concat());
    ann.ok(&[&create[..], &["elsewhere", "--vault", &other]].concat());
    let split = ["secret", "split", "seed", "--in", "seed"];
    let of_four = ["--threshold", "2", "--shares", "4"];
    ann.ok(&[&split[..], &of_four].concat());
    copy(&home.join("D/vaults/1"), &home.join("earlier"));
    for _ in 0..4 {
        ann.ok(&["key", "sign", "mine", "--in", "message"]);
    }
    ann.ok(&["secret", "reconstruct", "seed", "--all", "--out", "again"]);
    dev.stop();
    put_back(&home.join("earlier"), &home.join("D/vaults/1"));
    let before = home.join("before");
    copy(&home.join("memories"), &before);

    let dev = Dev::over(home);
    ann.finds(None);
    let handle = mine["handle"].as_str().unwrap();
    let reconstruct = ["secret", "reconstruct", "seed", "--all", "--out", "out"];
    // Whichever command comes first, the vault is told on, and used no more.
    let firsts: [&dyn Fn(); 6] = [
        &|| drop(ann.told(&["key", "sign", "mine", "--in", "message"])),
        &|| drop(ann.is_told(&["key", "sign", handle, "--in", "message"])),
        &|| only_put_back(&result(&ann.script(&["key", "list"])), &vault),
        &|| only_put_back(&result(&ann.script(&["vault", "list"])), &vault),
        &|| drop(ann.told(&["key", "create", "--type", "p256", "--vault", &vault])),
        &|| {
            let found = result(&ann.script(&reconstruct));
            only_put_back(&found, &vault);
            assert_eq!(found["used"].as_array().unwrap().len(), 2);
            let secret = std::fs::read_to_string(home.join("out")).unwrap();
            assert_eq!(secret, "a secret of everybody");
        },
    ];
    for first in firsts {
        put_back(&before, &home.join("memories"));
        first();
        ann.told(&["key", "list", "--vault", &vault]);
    }
    // Allowing for what failed does not allow for evidence.
    let allowed = [&reconstruct[..], &["--allow-partial"]].concat();
    only_put_back(&result(&ann.script(&allowed)), &vault);
    let error = ann.told(&[&["secret", "split", "more", "--in", "seed"][..], &of_four].concat());
    assert_eq!(error["vault_id"], vault.as_str());
    let listed = ann.ok(&["secret", "list"])["secrets"].clone();
    let more = listed.as_array().unwrap().iter();
    let mut more = more.filter(|secret| secret["name"] == "more");
    assert!(
        more.all(|secret| secret["on"].as_array().unwrap().is_empty()),
        "{listed}"
    );

    // The others do all that can be done without it; where it was asked, it is told besides.
    let named: Vec<_> = (2..=4).map(|number| dev.vault_id(number)).collect();
    let mut on = vec!["secret", "split", "others", "--in", "seed"];
    on.extend(["--threshold", "2", "--shares", "3"]);
    named.iter().for_each(|id| on.extend(["--vault", id]));
    ann.ok(&on);
    let signed = ann.ok(&["key", "sign", "elsewhere", "--in", "message"]);
    assert_eq!(signed["vaults"][0]["vault_id"], other.as_str());
    assert_eq!(signed["found"][0]["vault_id"], vault.as_str());
    assert_eq!(signed["found"][0]["seen"], error["seen"]);

    let doctor = result(&ann.script(&["doctor"]));
    let checks = doctor["checks"].as_array().unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check["ok"] == false).collect();
    assert!(failed.iter().all(|check| {
        let name = check["name"].as_str().unwrap();
        vault.starts_with(name.split(' ').next_back().unwrap())
    }));
    assert!(
        failed[0]["detail"]
            .as_str()
            .unwrap()
            .contains("is not acknowledged")
    );
    assert!(ann.call(&["doctor"]).code == 6);
    assert!(ann.call(&["vault", "inspect", &vault]).code == 6);

    // Who has never called it is told by what ann has left with the others; who meets nobody is not.
    new.finds(None);
    let doctor = result(&new.script(&["doctor"])).to_string();
    assert!(doctor.contains("no L1"), "{doctor}");
    new.told(&["key", "list", "--vault", &vault]);
    new.forget();
    let endpoint = dev.child("vault 1")["endpoint"]
        .as_str()
        .unwrap()
        .to_owned();
    new.finds(Some(&[(vault.clone(), endpoint)]));
    new.ok(&["key", "sign", "mine", "--in", "message", "--vault", &vault]);

    // Or its owner gives up what is gone, with each piece of evidence: another vault may have
    // carried an earlier head than the one that ann remembered herself.
    let kept = ann.ok(&["vault", "evidence", "list"])["evidence"].clone();
    for evidence in kept.as_array().unwrap() {
        let id = evidence["id"].as_str().unwrap();
        let acknowledge = ["vault", "evidence", "acknowledge", id];
        ann.ok(&[&acknowledge[..], &["--go-on-with", "answered"]].concat());
    }
    ann.ok(&["key", "sign", "mine", "--in", "message"]);
    ann.ok(&["doctor"]);

    // A reset makes other vaults: nothing that is remembered is about them.
    dev.stop();
    let reset = Command::new(EVAULT)
        .args(["dev", "reset", "--yes", "--dir"])
        .arg(home.join("D"))
        .output();
    assert!(reset.unwrap().status.success());
    let dev = Dev::over(home);
    assert_ne!(dev.vault_id(1), vault);
    ann.finds(None);
    ann.ok(&["key", "create", "--type", "p256", "--name", "mine"]);
    ann.ok(&["key", "sign", "mine", "--in", "message"]);
}

/// The files of a vault, and the same of an earlier copy.
fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder.join("data")).unwrap();
    let mut names: Vec<_> = names
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// `dev` over a folder that is no whole one: it says which vault, and why.
fn dev_refuses(home: &Path) -> Value {
    let output = Command::new(EVAULT)
        .args(["dev", "--quiet", "--output", "json", "--dir"])
        .arg(home.join("D"))
        .stdin(Stdio::null())
        .output();
    let ended = Ended::of(&output.unwrap());
    assert_eq!(ended.code, 9, "{}{}", ended.stdout, ended.stderr);
    let last = ended.stderr.lines().last().unwrap();
    serde_json::from_str::<Value>(last).unwrap()["error"].clone()
}

#[test]
fn of_a_folder_that_is_put_back_in_part_a_vault_says_so_or_its_clients_do() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path();
    let dev = Dev::over_with(home, &["--vaults", "1"]);
    let folder = home.join("D/vaults/1");
    let pid = dev.child("vault 1")["pid"].as_u64().unwrap();
    support::signal(pid.try_into().unwrap(), "TERM");
    support::until(
        "its vault has ended",
        || match dev.child("vault 1")["pid"].is_null() {
            true => Ok(()),
            false => Err("it runs"),
        },
    );
    let toml = folder.join("vault.toml");
    let plain = std::fs::read_to_string(&toml).unwrap();
    std::fs::write(
        &toml,
        plain + "\n[limits]\nsnapshot_records = 16\nsegment_mib = 1\n",
    )
    .unwrap();
    std::fs::remove_file(folder.join("data/log-00000000.seg")).unwrap();
    std::fs::write(home.join("message"), "message").unwrap();
    let ann = Person::new(home, "ann", "owner");
    let sign = ["key", "sign", "ann", "--in", "message"];
    let mut vault = Vault::start(home, &folder, 1);
    ann.finds(Some(&[vault.place()]));
    ann.ok(&["key", "create", "--type", "p256", "--name", "ann"]);
    let mut copies = Vec::new();
    for number in 0..3 {
        for _ in 0..20 {
            ann.ok(&sign);
        }
        let copied = home.join(format!("copy-{number}"));
        vault.snapshot(&folder, &copied);
        copies.push(copied);
        vault.stop();
        vault = Vault::start(home, &folder, 1);
        ann.finds(Some(&[vault.place()]));
    }
    ann.ok(&sign);
    vault.stop();
    let (newest, remembered) = (home.join("newest"), home.join("remembered"));
    copy(&folder, &newest);
    copy(&home.join("memories"), &remembered);
    let last = files(&newest);
    assert!(last.contains(&"snapshot.sealed".to_owned()), "{last:?}");

    let (mut locked, mut told, mut whole) = (0, 0, 0);
    for copied in &copies {
        for name in files(copied) {
            // One old file among new ones, and one new file among old ones.
            for (most, one) in [(&newest, copied), (copied, &newest)] {
                put_back(most, &folder);
                put_back(&remembered, &home.join("memories"));
                let (from, to) = (
                    one.join("data").join(&name),
                    folder.join("data").join(&name),
                );
                if !from.exists() {
                    continue;
                }
                std::fs::copy(&from, &to).unwrap();
                let Some(vault) = Vault::try_start(home, &folder, 1) else {
                    panic!("{name}: it ended without a word");
                };
                ann.finds(Some(&[vault.place()]));
                match &vault.locked {
                    Some(reason) => {
                        let error = ann.error(9, &sign);
                        assert_eq!(error["code"], "locked", "{error}");
                        assert!(!reason.is_empty());
                        locked += 1;
                    }
                    // Its whole log is there: ann's client had it prove that.
                    None if ann.script(&sign).code == 0 => whole += 1,
                    None => {
                        ann.told(&sign);
                        told += 1;
                    }
                }
                vault.stop();
            }
        }
    }
    println!("put back in part: {locked} locked, {told} told to the client, {whole} were no loss");
    assert!(told > 0 && whole > 0);

    // The whole of `dev` ends with the reason.
    dev.stop();
    put_back(&newest, &folder);
    let segment = "data/log-00000000.seg";
    let block = std::fs::read(copies[0].join(segment)).unwrap();
    let mut mixed = std::fs::read(newest.join(segment)).unwrap();
    mixed[8192..12288].copy_from_slice(&block[12288..16384]);
    std::fs::write(folder.join(segment), mixed).unwrap();
    let error = dev_refuses(home);
    assert_eq!(error["code"], "locked", "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("vault 1"),
        "{error}"
    );
}
