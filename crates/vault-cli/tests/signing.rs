//! Who signs manifests signs one of each version, and none that forgets what was seen.
#![cfg(feature = "dev")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod desk;

use desk::{Desk, founded};

const BY_ONE: &str = "--governance-key one.pem";
const BY_BOTH: &str = "--governance-key one.pem --governance-key two.pem";

fn manifest_refused(desk: &Desk, arguments: &str) -> String {
    let output = desk.evault(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{arguments}: {said}");
    let error: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(error["error"]["code"], "manifest_refused");
    error["error"]["message"].as_str().unwrap().to_owned()
}

fn exists(desk: &Desk, name: &str) -> bool {
    desk.path().join(name).exists()
}

#[test]
fn a_second_manifest_of_a_version_that_was_signed_here_is_not_signed() {
    let (desk, _, _, [first, second]) = founded();
    let remove = |vault: &str, by: &str, out: &str| {
        format!("constellation update --remove {vault} {by} --out {out}")
    };
    let made = desk.ok(&remove(&first, BY_ONE, "next.json"));
    // The same again is no other manifest, whoever signs it.
    let again = desk.ok(&remove(&first, BY_BOTH, "again.json"));
    assert_eq!(made["hash"], again["hash"]);
    for by in [BY_ONE, "--governance-key three.pem"] {
        let why = manifest_refused(&desk, &remove(&second, by, "other.json"));
        assert!(why.contains("another version 2"), "{why}");
        assert!(why.contains("signed.json"), "{why}");
    }
    assert!(!exists(&desk, "other.json"));

    // Nor where somebody else proposes it.
    std::fs::rename(desk.path().join("state"), desk.path().join("mine")).unwrap();
    desk.ok(&remove(
        &second,
        "--governance-key three.pem",
        "theirs.json",
    ));
    std::fs::rename(desk.path().join("state"), desk.path().join("theirs")).unwrap();
    std::fs::rename(desk.path().join("mine"), desk.path().join("state")).unwrap();
    let sign = format!("constellation sign --manifest theirs.json {BY_ONE} --out signed.json");
    manifest_refused(&desk, &sign);
    assert!(!exists(&desk, "signed.json"));
    // What was signed here first can be signed to its end.
    let sign = "constellation sign --manifest next.json --governance-key two.pem";
    assert_eq!(desk.ok(sign)["believed"], true);
}

#[test]
fn an_older_chain_than_the_one_that_was_seen_is_not_signed() {
    let (desk, _, _, [first, second]) = founded();
    desk.ok(&format!(
        "constellation update --remove {first} {BY_BOTH} --out next.json"
    ));
    desk.ok("constellation show --manifest next.json");
    let old = format!("constellation update --remove {second} {BY_ONE} --out other.json");
    let why = manifest_refused(&desk, &old);
    assert!(why.contains("version 2 was seen"), "{why}");
    let why = manifest_refused(
        &desk,
        &format!("constellation sign {BY_ONE} --out other.json"),
    );
    assert!(why.contains("version 2 was seen"), "{why}");
    assert!(!exists(&desk, "other.json"));
}

#[test]
fn nothing_is_signed_on_top_of_a_version_that_lacks_signatures() {
    let (desk, _, _, [first, _]) = founded();
    desk.ok(&format!(
        "constellation update --remove {first} {BY_ONE} --out next.json"
    ));
    let update = format!("constellation update --manifest next.json --threshold 1 {BY_BOTH}");
    let why = manifest_refused(&desk, &format!("{update} --out third.json"));
    assert!(why.contains("1 of 2"), "{why}");
    assert!(!exists(&desk, "third.json"));
}
