//! The Rust SDK: attested sessions to vaults.
