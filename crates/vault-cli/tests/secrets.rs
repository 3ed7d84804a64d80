//! Split secrets and keys on four vaults, as a person meets them: results, partial results, and
//! refusals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use support::{Dev, Ended, signal};

const SECRET: &[u8] = b"correct horse battery staple";

fn holds(value: &Value, members: &[&str]) {
    for member in members {
        assert!(value.get(member).is_some(), "{member} in {value}");
    }
}

fn ids(value: &Value) -> Vec<String> {
    let ids = value.as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn read(dev: &Dev, name: &str) -> Vec<u8> {
    std::fs::read(dev.home().join(name)).unwrap()
}

/// A `dev` with the secret `seed`, 2 of 4.
fn with_seed() -> Dev {
    let dev = Dev::start();
    dev.write("seed", SECRET);
    let split = ["secret", "split", "seed", "--in", "seed"];
    dev.json(&[&split[..], &["--threshold", "2", "--shares", "4"]].concat());
    dev
}

/// The vaults in the order of the manifest.
fn vaults(dev: &Dev) -> Vec<String> {
    let listed = dev.json(&["vault", "list"]);
    let listed = listed["vaults"].as_array().unwrap().iter();
    listed
        .map(|vault| vault["vault_id"].as_str().unwrap().to_owned())
        .collect()
}

/// Ends these vaults' processes.
fn kill(dev: &Dev, doomed: &[String]) {
    let status = dev.json(&["dev", "status", "--dir", "D"]);
    for child in status["children"].as_array().unwrap() {
        let id = child["vault_id"].as_str().unwrap_or_default();
        if doomed.iter().any(|vault| vault == id) {
            signal(
                u32::try_from(child["pid"].as_u64().unwrap()).unwrap(),
                "KILL",
            );
        }
    }
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr))
}

#[test]
fn results_of_split_secrets_have_their_members() {
    let dev = Dev::start();
    dev.write("seed", SECRET);
    let split = [
        "secret",
        "split",
        "seed",
        "--in",
        "seed",
        "--threshold",
        "2",
    ];
    let split = [&split[..], &["--shares", "3"]].concat();
    let would = dev.json(&[&split[..], &["--dry-run"]].concat());
    assert_eq!(would["on"].as_array().unwrap().len(), 3);
    assert!(
        dev.json(&["secret", "list"])["secrets"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let about = [
        "name",
        "set_id",
        "generation",
        "threshold",
        "shares",
        "vaults",
    ];
    let made = dev.json(&split);
    holds(&made, &about);
    assert_eq!(
        (&made["threshold"], &made["shares"]),
        (&2.into(), &3.into())
    );
    for vault in made["vaults"].as_array().unwrap() {
        assert_eq!(
            (&vault["ok"], &vault["simulated"]),
            (&true.into(), &true.into())
        );
        assert!(vault["receipt"]["index"].is_u64(), "{vault}");
    }
    assert_eq!(dev.error(9, &split)["code"], "already_exists");
    let got = dev.json(&["secret", "reconstruct", "seed", "--out", "got"]);
    holds(&got, &["used", "wrong", "missing", "vaults"]);
    assert_eq!(ids(&got["used"]).len(), 2);
    assert_eq!(read(&dev, "got"), SECRET);
    let shown = dev.json(&["secret", "reconstruct", "seed", "--out", "-", "--all"]);
    assert_eq!(
        shown["secret_b64"],
        "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ=="
    );
    let refreshed = dev.json(&["secret", "refresh", "seed"]);
    holds(
        &refreshed,
        &[&about[..], &["used", "wrong", "missing", "retired"]].concat(),
    );
    assert_eq!(ids(&refreshed["retired"]).len(), 3);
    let held = ids(&dev.json(&["secret", "list"])["secrets"][0]["on"]);
    let repair = ["secret", "repair", "seed", "--without", &held[0]];
    let would = dev.json(&[&repair[..], &["--dry-run"]].concat());
    let repaired = dev.json(&repair);
    holds(&repaired, &about);
    let now = ids(&dev.json(&["secret", "list"])["secrets"][0]["on"]);
    assert!(!now.contains(&held[0]), "{now:?}");
    let mut planned = ids(&would["on"]);
    let mut done = now.clone();
    planned.sort();
    done.sort();
    assert_eq!((planned, done.len()), (done.clone(), 3));
    dev.json(&["secret", "reconstruct", "seed", "--out", "again"]);
    assert_eq!(read(&dev, "again"), SECRET);
}

#[test]
fn a_secret_comes_back_from_as_few_vaults_as_it_needs_and_the_others_are_named() {
    let dev = with_seed();
    let all = vaults(&dev);
    kill(&dev, &all[..2]);
    let reconstruct = ["secret", "reconstruct", "seed", "--out", "got"];
    let partial = dev.json_call(&reconstruct);
    assert_eq!(partial.code, 10, "{}", partial.stderr);
    assert_eq!(read(&dev, "got"), SECRET);
    let told = json(&partial);
    assert_eq!(ids(&told["missing"]), all[..2]);
    assert_eq!(ids(&told["used"]), all[2..]);
    let failed = &told["vaults"][0];
    assert_eq!(
        (&failed["ok"], &failed["receipt"]),
        (&false.into(), &Value::Null)
    );
    assert_eq!(failed["error"]["code"], "unavailable");
    dev.json(&[&reconstruct[..], &["--allow-partial"]].concat());
    for command in [&["vault", "list"][..], &["key", "list"]] {
        let ended = dev.json_call(command);
        assert_eq!(ended.code, 10, "{command:?}: {}", ended.stderr);
        let entries = json(&ended)["vaults"].as_array().unwrap().clone();
        let failed: Vec<_> = entries
            .iter()
            .filter(|entry| entry["ok"] == false)
            .collect();
        assert_eq!((entries.len(), failed.len()), (4, 2), "{entries:?}");
    }
    let refused = dev.error(5, &["secret", "refresh", "seed"]);
    assert!(
        refused["message"].as_str().unwrap().contains(&all[0]),
        "{refused}"
    );
    assert_eq!(refused["next"], "evault secret repair seed");
    kill(&dev, &all[2..3]);
    let few = dev.error(5, &reconstruct);
    assert_eq!(few["code"], "too_few_vaults");
    for lost in &all[..3] {
        assert!(few["message"].as_str().unwrap().contains(lost), "{few}");
    }
}

#[test]
fn a_lost_record_is_found_again_with_the_owner_key_or_without() {
    let dev = with_seed();
    let exported = dev.json(&["owner", "export", "copy"]);
    holds(&exported, &["owner_id", "file"]);
    assert_eq!(
        dev.error(2, &["owner", "export", "copy"])["code"],
        "file_inaccessible"
    );
    std::fs::remove_dir_all(dev.home().join("D/state/secrets")).unwrap();
    std::fs::remove_file(dev.home().join("D/state/owner.key.json")).unwrap();
    let blind = dev.json(&["secret", "recover", "--without-owner", "--out-dir", "blind"]);
    assert!(blind["sets"][0]["set_id"].is_null(), "{blind}");
    assert_eq!(std::fs::read(blind_file(&dev, &blind)).unwrap(), SECRET);
    assert_eq!(dev.error(8, &["secret", "recover"])["code"], "not_found");
    let imported = dev.json(&["owner", "import", "copy"]);
    assert_eq!(imported["owner_id"], exported["owner_id"]);
    let found = dev.json(&["secret", "recover"]);
    holds(&found, &["sets", "unmatched", "gave_up", "vaults"]);
    let set = found["sets"][0]["set_id"].as_str().unwrap().to_owned();
    dev.json(&["secret", "recover", "--adopt", &format!("{set}=seed")]);
    dev.json(&["secret", "reconstruct", "seed", "--out", "got"]);
    assert_eq!(read(&dev, "got"), SECRET);
    dev.json(&["secret", "refresh", "seed"]);
}

fn blind_file(dev: &Dev, recovered: &Value) -> std::path::PathBuf {
    let file = recovered["sets"][0]["file"].as_str().unwrap();
    dev.home().join(file)
}

#[test]
fn a_key_is_found_on_the_vault_that_holds_it_and_an_ambiguous_name_is_refused() {
    let dev = Dev::start();
    dev.write("m", b"a message");
    let all = vaults(&dev);
    let on = |vault: &str, name: &str| {
        let create = ["key", "create", "--type", "p256", "--name", name];
        dev.json(&[&create[..], &["--vault", vault]].concat())
    };
    let made = on(&all[2], "release");
    let handle = made["handle"].as_str().unwrap();
    for named in ["release", handle] {
        let signed = dev.json(&["key", "sign", named, "--in", "m"]);
        assert_eq!(signed["vaults"][0]["vault_id"], all[2].as_str());
    }
    let first = dev.json(&["key", "create", "--type", "p256", "--name", "other"]);
    assert_eq!(first["vaults"][0]["vault_id"], all[0].as_str());
    on(&all[1], "release");
    let refused = dev.error(2, &["key", "sign", "release", "--in", "m"]);
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.contains(&all[1]) && message.contains(&all[2]),
        "{message}"
    );
    let named = ["key", "sign", "release", "--in", "m", "--vault", &all[1]];
    assert_eq!(dev.json(&named)["vaults"][0]["vault_id"], all[1].as_str());
    assert_eq!(
        dev.error(8, &["key", "show", "nothing"])["code"],
        "not_found"
    );
}

#[test]
fn a_manifest_that_was_not_signed_so_is_refused() {
    let dev = Dev::start();
    let text = String::from_utf8(read(&dev, "D/manifest.json")).unwrap();
    let operator = "\"operator\":\"";
    assert!(text.contains(operator), "{text}");
    dev.write(
        "forged",
        text.replace(operator, "\"operator\":\"x").as_bytes(),
    );
    let refused = dev.error(6, &["vault", "list", "--manifest", "forged"]);
    assert_eq!(refused["code"], "manifest_refused");
    let doctor = dev.json_call(&["doctor", "--manifest", "forged"]);
    assert_eq!(doctor.code, 6);
}

#[test]
fn swapped_endpoints_are_refused_by_name_and_a_registry_that_is_gone_is_named() {
    let dev = Dev::start();
    let listed = dev.json(&["vault", "list"]);
    let at = |place: usize, member: &str| listed["vaults"][place][member].as_str().unwrap();
    let gone = "http://127.0.0.1:1";
    let away = dev.json_call(&["vault", "list", "--registry", gone]);
    assert_eq!(away.code, 5);
    assert!(away.stdout.contains(gone), "{}", away.stdout);
    let config = String::from_utf8(read(&dev, "D/config.toml")).unwrap();
    let config: String = config
        .lines()
        .filter(|line| !line.starts_with("vaults =") && !line.starts_with("registries ="))
        .map(|line| format!("{line}\n"))
        .collect();
    let entry = |vault: usize, endpoint: usize| {
        let (id, endpoint) = (at(vault, "vault_id"), at(endpoint, "endpoint"));
        format!("[[vaults]]\nvault_id = \"{id}\"\nendpoint = \"{endpoint}\"\n")
    };
    let swapped = format!("{config}\n{}{}", entry(0, 1), entry(1, 0));
    dev.write("swapped.toml", swapped.as_bytes());
    for vault in [0, 1] {
        let arguments = [
            "whoami",
            "--config",
            "swapped.toml",
            "--vault",
            at(vault, "vault_id"),
        ];
        let refused = dev.error(6, &arguments);
        assert_eq!(refused["code"], "attestation_refused");
        assert_eq!(refused["vault_id"], at(vault, "vault_id"));
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(at(1 - vault, "endpoint")), "{message}");
    }
}
