//! A constellation as its operators make and change it: with `evault`, key files, and vaults that
//! are started by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod desk;

use desk::founded;
use std::process::Command;

#[test]
fn a_manifest_is_made_shown_and_changed_by_those_who_hold_the_keys() {
    let (desk, id, keys, [first, second]) = founded();
    let shown = desk.ok("constellation show");
    assert_eq!(shown["version"], 1);
    assert_eq!(shown["governance"]["threshold"], 2);
    let mut operators: Vec<_> = shown["members"].as_array().unwrap().iter().collect();
    operators.sort_by_key(|member| member["operator"].as_str());
    assert_eq!(operators[0]["vault_id"], first.as_str());
    assert_eq!(operators[1]["operator"], "bob");

    // One key is not enough, and says so; the other one comes later.
    let update = format!(
        "constellation update --remove {} --governance-key one.pem",
        &second[..8]
    );
    assert_eq!(
        desk.ok(&format!("{update} --out next.json"))["believed"],
        false
    );
    let why = desk.refused(6, "constellation show --manifest next.json");
    assert!(why.contains("1 of 2"), "{why}");
    let sign = "constellation sign --manifest next.json --governance-key three.pem";
    assert_eq!(desk.ok(sign)["believed"], true);
    let shown = desk.ok("constellation show --manifest next.json");
    assert_eq!(shown["version"], 2);
    assert_eq!(shown["members"].as_array().unwrap().len(), 1);
    // The old one is refused from now on.
    let why = desk.refused(6, "constellation show");
    assert!(why.contains("version 2 was seen"), "{why}");

    // Nobody else signs: another key, a changed byte, another anchor.
    desk.keygen("stranger");
    let stranger = "constellation update --manifest next.json --governance-key stranger.pem \
                    --governance-key one.pem --threshold 1 --out other.json";
    assert!(desk.refused(6, stranger).contains("not a governance key"));
    let text = std::fs::read_to_string(desk.path().join("next.json")).unwrap();
    desk.write("changed.json", &text.replace("ann", "eve"));
    let why = desk.refused(6, "constellation show --manifest changed.json");
    assert!(why.contains("does not verify"), "{why}");
    let mut others = keys.clone();
    others[0] = "11".repeat(32);
    desk.client(&id, &others, &[]);
    desk.refused(6, "constellation show --manifest next.json");
}

#[test]
fn what_is_there_is_not_overwritten_and_keys_of_openssl_sign() {
    let (desk, ..) = founded();
    desk.refused(2, "constellation keygen --out one.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out", "theirs.pem"])
        .current_dir(desk.path())
        .status()
        .unwrap();
    assert!(made.success());
    let init = "constellation init --member a.json --governance-key theirs.pem";
    desk.refused(2, &format!("{init} --out manifest.json"));
    desk.refused(6, &format!("{init} --out second.json"));
    assert!(!desk.path().join("second.json").exists());
    // On another desk, which has signed nothing yet.
    std::fs::rename(desk.path().join("state"), desk.path().join("elsewhere")).unwrap();
    let made = desk.ok(&format!("{init} --out alone.json"));
    assert_eq!(made["governance"]["threshold"], 1);
    assert_eq!(made["members"][0]["operator"], "a");
    desk.refused(
        2,
        &format!("{init} --id {} --out other.json", "22".repeat(32)),
    );
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(desk.path().join("one.pem")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_vault_with_another_configuration_is_refused_until_governance_has_let_it_in() {
    let (desk, id, keys, [vault, _]) = founded();
    let running = desk.start("a");
    desk.client(&id, &keys, &[(&vault, &running.endpoint)]);
    let inspect = format!("vault inspect {vault} --verify-config");
    let before = desk.ok(&inspect);
    assert_eq!(before["config_verified"], true);
    desk.write("before.json", &before.to_string());
    drop(running);

    // The host alone.
    desk.configure("a", &id, &keys, "time.skew = 31");
    let running = desk.start("a");
    desk.client(&id, &keys, &[(&vault, &running.endpoint)]);
    let why = desk.refused(6, &inspect);
    assert!(why.contains("trust configuration"), "{why}");

    let change = format!("constellation reconfigure --vault {}", &vault[..10]);
    desk.refused(2, &format!("{change} --governance-key one.pem"));
    let planned = desk.ok(&format!("{change} --before before.json --dry-run"));
    let changes = planned["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["path"], "time.skew");
    assert_eq!(changes[0]["old"], "\"30\"");
    assert_eq!(changes[0]["new"], "\"31\"");
    assert!(planned["index"].is_null() && planned["locked"].is_string());
    let why = desk.refused(3, &format!("{change} --governance-key one.pem --yes"));
    assert!(why.contains("1 of 2"), "{why}");
    let done = desk.ok(&format!(
        "{change} --governance-key one.pem --governance-key three.pem --yes"
    ));
    assert!(done["index"].is_u64() && done["locked"].is_null());
    assert_eq!(done["vaults"][0]["receipt"]["index"], done["index"]);
    assert_eq!(done["new_trust_root"], planned["new_trust_root"]);

    // Clients believe it with the next manifest, and not before.
    desk.refused(6, &inspect);
    desk.identity("a");
    desk.ok(
        "constellation update --member a.json --governance-key one.pem --governance-key two.pem",
    );
    let after = desk.ok(&inspect);
    assert_eq!(after["config_root"], planned["new_trust_root"]);
    let shown = desk.ok("constellation show");
    let mut members = shown["members"].as_array().unwrap().iter();
    let member = members
        .find(|member| member["vault_id"] == vault.as_str())
        .unwrap();
    assert_eq!(member["operator"], "ann");
    let again = desk.refused(2, &format!("{change} --governance-key one.pem --yes"));
    assert!(again.contains("already"), "{again}");
}
