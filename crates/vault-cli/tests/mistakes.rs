//! What is wrong with a call or with local files is told as that, and costs nothing elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use support::Dev;

/// Entries of this vault's log about nonces for approvals.
fn begun(dev: &Dev, vault: &str) -> usize {
    let read = ["audit", "read", "--profile", "auditor", "--vault", vault];
    let entries = dev.json(&read)["entries"].clone();
    let of = |entry: &&Value| entry["operation"] == "begin_approval";
    entries.as_array().unwrap().iter().filter(of).count()
}

#[test]
fn a_request_for_approval_that_can_reach_nobody_leaves_nothing_at_the_vault() {
    let dev = Dev::shared();
    let vault = dev.vault_id(1);
    dev.write("asked", b"a message");
    let key = ["key", "create", "--type", "p256", "--name", "asked"];
    dev.json(&[&key[..], &["--vault", &vault]].concat());
    let before = begun(&dev, &vault);
    let request = ["approve", "request", "asked", "--operation", "sign"];
    let request = [&request[..], &["--in", "asked", "--out", "asked.json"]].concat();
    let relay = ["--relay", "http://127.0.0.1:9"];
    for wrong in [&relay[..], &["--to", "not base64url"]] {
        let error = dev.error(2, &[&request[..], wrong].concat());
        assert_eq!(error["code"], "invalid_argument", "{error}");
        assert_eq!(begun(&dev, &vault), before);
    }
    assert!(!dev.home().join("asked.json").exists());
}
