//! The soak's program: a short run passes, and its summary says what was looked at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::process::Command;

#[test]
fn a_few_seconds_of_mixed_load_kills_and_a_hostile_tenant_leave_nothing_wrong_or_lost() {
    let output = Command::new(env!("CARGO_BIN_EXE_vault-soak"))
        .args(["--seconds", "6"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaints}");
    for part in ["0 wrong", "lost 0", "killed at work", "hostile: ", "passed"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
