//! The members that scripts may rely on, of every command with `--output json`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::Value;
use support::Dev;

fn holds(value: &Value, members: &[&str]) {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"));
    for member in members {
        assert!(object.contains_key(*member), "{member} in {value}");
    }
}

fn exactly(value: &Value, members: &[&str]) {
    holds(value, members);
    assert_eq!(value.as_object().unwrap().len(), members.len(), "{value}");
}

fn receipt(value: &Value, logged: bool) {
    let vault = &value["vaults"][0];
    exactly(vault, &["vault_id", "ok", "simulated", "receipt", "error"]);
    assert_eq!(vault["ok"], true);
    let receipt = &vault["receipt"];
    exactly(receipt, &["size", "index", "root"]);
    assert_eq!(receipt["index"].is_u64(), logged, "{receipt}");
    assert_eq!(receipt["root"].as_str().unwrap().len(), 64);
}

const CREATED: [&str; 7] = [
    "handle",
    "name",
    "type",
    "version",
    "policy_hash",
    "lineage",
    "public_key_pem",
];

#[test]
fn results_of_keys_have_their_members() {
    let dev = Dev::start();
    dev.write("m", b"a message");
    let created = dev.json(&[
        "key", "create", "--type", "p256", "--name", "n", "--label", "a=b",
    ]);
    exactly(&created, &[&CREATED[..], &["vaults"]].concat());
    receipt(&created, true);
    let shown = dev.json(&["key", "show", "n"]);
    let more = [
        "state",
        "created_at",
        "origin",
        "exportable",
        "policy_version",
        "labels",
        "vaults",
    ];
    exactly(&shown, &[&CREATED[..], &more].concat());
    assert_eq!(shown["labels"]["a"], "b");
    assert!(shown["created_at"].as_str().unwrap().ends_with('Z'));
    receipt(&shown, false);
    let listed = dev.json(&["key", "list"]);
    exactly(&listed, &["keys", "next_page_token", "vaults"]);
    holds(&listed["keys"][0], &CREATED);
    let signed = dev.json(&["key", "sign", "n", "--in", "m"]);
    exactly(
        &signed,
        &["algorithm", "format", "version", "signature_b64", "vaults"],
    );
    assert_eq!(
        (&signed["algorithm"], &signed["format"]),
        (&"ecdsa-p256-sha256".into(), &"der".into())
    );
    receipt(&signed, true);
    dev.evault(&["key", "sign", "n", "--in", "m", "--out", "s"]);
    let verified = dev.json(&["key", "verify", "n", "--in", "m", "--signature", "s"]);
    exactly(&verified, &["valid", "vaults"]);
    assert_eq!(verified["valid"], true);
    let policy = dev.json(&["policy", "show", "n"]);
    exactly(
        &policy,
        &["policy", "policy_hash", "policy_version", "vaults"],
    );
    assert_eq!(policy["policy_hash"], created["policy_hash"]);
    let deleted = dev.json(&["key", "delete", "n", "--yes"]);
    exactly(&deleted, &["handle", "state", "tombstone_index", "vaults"]);
    assert_eq!(deleted["state"], "destroyed");
    assert_eq!(
        deleted["tombstone_index"],
        deleted["vaults"][0]["receipt"]["index"]
    );
}

#[test]
fn results_of_symmetric_keys_have_their_members() {
    let dev = Dev::start();
    dev.write("m", b"a message");
    let created = dev.json(&["key", "create", "--type", "aes256-gcm", "--name", "k"]);
    assert!(created["public_key_pem"].is_null());
    let wrapped = dev.json(&["key", "wrap", "k", "--in", "m", "--out", "w"]);
    exactly(&wrapped, &["ciphertext_b64", "version", "vaults"]);
    let unwrapped = dev.json(&["key", "unwrap", "k", "--in", "w", "--out", "-"]);
    exactly(&unwrapped, &["plaintext_b64", "version", "vaults"]);
    assert_eq!(unwrapped["plaintext_b64"], "YSBtZXNzYWdl");
    dev.json(&["key", "create", "--type", "hmac-sha256", "--name", "h"]);
    let tag = dev.json(&["key", "mac", "h", "--in", "m", "--out", "t"]);
    exactly(&tag, &["tag_b64", "version", "vaults"]);
    let checked = dev.json(&["key", "mac", "h", "--in", "m", "--verify", "t"]);
    exactly(&checked, &["valid", "vaults"]);
}

#[test]
fn results_about_vaults_and_callers_have_their_members() {
    let dev = Dev::start();
    let about = [
        "vault_id",
        "endpoint",
        "measurement",
        "platform_id",
        "simulated",
        "tcb_status",
        "advisories",
        "config_root",
        "boot_id",
        "log_size",
        "log_root",
    ];
    let listed = dev.json(&["vault", "list"]);
    assert_eq!(listed["vaults"].as_array().unwrap().len(), 4);
    holds(&listed["vaults"][0], &about);
    let id = listed["vaults"][0]["vault_id"].as_str().unwrap();
    let inspected = dev.json(&["vault", "inspect", id, "--verify-config"]);
    holds(&inspected, &about);
    assert_eq!(inspected["config_verified"], true);
    assert_eq!(inspected["simulated"], true);
    assert_eq!(listed["vaults"][0]["vault_id"], inspected["vault_id"]);
    let me = dev.json(&["whoami"]);
    holds(
        &me,
        &[
            "issuer",
            "subject",
            "roles",
            "token_expires_at",
            "caller_measurement",
        ],
    );
    assert_eq!(me["subject"], "owner");
    let doctor = dev.json(&["doctor"]);
    exactly(&doctor, &["checks"]);
    for check in doctor["checks"].as_array().unwrap() {
        exactly(check, &["name", "ok", "detail", "next", "error"]);
        assert_eq!(check["ok"], true, "{check}");
    }
    let status = dev.json(&["dev", "status", "--dir", "D"]);
    holds(
        &status,
        &["state", "registry", "threshold", "children", "pid"],
    );
}

#[test]
fn results_of_the_log_have_their_members() {
    let dev = Dev::start();
    let created = dev.json(&["key", "create", "--type", "ed25519", "--name", "n"]);
    let vault = created["vaults"][0]["vault_id"].as_str().unwrap();
    let unnamed = dev.error(2, &["audit", "read", "--profile", "auditor"]);
    assert!(
        unnamed["message"].as_str().unwrap().contains("--vault"),
        "{unnamed}"
    );
    let read = dev.json(&["audit", "read", "--profile", "auditor", "--vault", vault]);
    exactly(&read, &["entries", "size", "root", "vaults"]);
    let entries = read["entries"].as_array().unwrap();
    assert_eq!(entries.len() as u64, read["size"].as_u64().unwrap());
    let members = [
        "index",
        "time_lo",
        "time_hi",
        "principals",
        "operation",
        "handle",
        "version",
        "request_hash",
        "change_hash",
        "policy_hash",
        "approvals",
        "lineage",
        "allowed",
        "reason",
        "outcome",
    ];
    exactly(entries.last().unwrap(), &members);
    let verified = dev.json(&["audit", "verify", "--profile", "auditor", "--vault", vault]);
    holds(&verified, &["size", "root", "checkpoint", "consistent"]);
    assert_eq!(verified["consistent"], true);
    let lint = dev.json_call(&["policy", "lint", "no-such-file"]);
    assert_eq!(lint.code, 2);
}

#[test]
fn an_error_has_its_members() {
    let dev = Dev::start();
    let error = dev.error(8, &["key", "show", "nothing"]);
    exactly(
        &error,
        &[
            "code",
            "blame",
            "retry",
            "rule",
            "condition",
            "message",
            "next",
            "vault_id",
        ],
    );
    assert_eq!(error["code"], "not_found");
    assert_eq!(error["blame"], "caller");
    assert_eq!(error["retry"], "never");
}

#[test]
fn a_mistake_of_grammar_is_an_error_object_too() {
    let dev = Dev::start();
    let error = dev.error(2, &["key", "create"]);
    assert_eq!(error["code"], "invalid_argument");
    assert!(
        error["message"].as_str().unwrap().contains("required"),
        "{error}"
    );
}
