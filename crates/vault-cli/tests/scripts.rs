//! What people type, as scripts against a running `dev`. Each file of `tests/scripts` is one
//! story, in a directory of its own; the vaults are shared, unless it says otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use support::Dev;

#[test]
fn keys_sign_and_openssl_verifies() {
    Dev::shared().script("sign.sh");
}

#[test]
fn keys_wrap_unwrap_and_authenticate() {
    Dev::shared().script("wrap_and_mac.sh");
}

#[test]
fn a_certificate_alone_uses_the_keys_whose_policies_name_it() {
    Dev::shared().script("certificate.sh");
}

#[test]
fn refusals_have_their_exit_codes() {
    Dev::shared().script("refusals.sh");
}

#[test]
fn policies_are_written_shown_and_linted() {
    Dev::shared().script("policy.sh");
}

#[test]
fn a_manager_approves_one_exact_request() {
    Dev::shared().script("approvals.sh");
}

#[test]
fn policies_profiles_and_deletions_change_with_managers() {
    Dev::shared().script("changes.sh");
}

#[test]
fn the_log_is_read_exported_and_verified() {
    // Nobody else writes into this log: its exports are compared.
    Dev::start().script("audit.sh");
}

#[test]
fn every_script_is_run() {
    let scripts = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let here = include_str!("scripts.rs");
    for entry in std::fs::read_dir(scripts).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "prelude" || here.contains(&format!("\"{name}\"")),
            "{name}"
        );
    }
}
