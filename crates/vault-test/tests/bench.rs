//! The benchmark's program: one short round of everything runs, and its value names all of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::Value;
use std::process::Command;

const SCENARIOS: [&str; 23] = [
    "sign unary 16x16",
    "sign unary 64x1",
    "sign stream 16x16",
    "sign stream 64x1",
    "sign batch 16 16x1",
    "sign ed25519 stream 16x16",
    "mac stream 16x16",
    "wrap 4 KiB stream 16x16",
    "unwrap 4 KiB stream 16x16",
    "public key stream 16x16",
    "attested connect",
    "hostile tenant",
    "reconstruct 2 of 4",
    "open 10 keys",
    "open 100 keys",
    "open 100 entries",
    "open 1000 entries",
    "grow to 100 keys",
    "grow to 1000 entries",
    "stream over unary 16x16",
    "stream over unary 64x1",
    "yardstick p256",
    "yardstick ed25519",
];

#[test]
fn a_quick_run_measures_every_scenario_and_says_on_what() {
    let output = Command::new(env!("CARGO_BIN_EXE_vault-bench"))
        .arg("--quick")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    let value: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let scenarios = value["scenarios"].as_array().unwrap();
    let found = |name: &str| scenarios.iter().find(|row| row["scenario"] == name);
    for name in SCENARIOS {
        let row = found(name).unwrap_or_else(|| panic!("{name} was not measured"));
        let rounds = row["rounds"].as_object().unwrap();
        assert!(!rounds.is_empty(), "{name}");
        assert!(said.contains(name), "{name} is not in the table");
    }
    let share = found("sign stream 16x16").unwrap()["share"]
        .as_f64()
        .unwrap();
    assert!(share > 0.0);
    for fact in [
        "processor",
        "cores",
        "kernel",
        "rustc",
        "openssl",
        "version",
    ] {
        assert!(!value["machine"][fact].is_null(), "{fact}");
    }
}
