//! The bodies of the fuzz targets: what each parser of bytes from outside must hold, whatever the
//! bytes are. `fuzz/` runs them under the fuzzer, and the tests of this crate replay every corpus
//! of the tree, so that both toolchains hold the same promises.
//!
//! A body panics where a promise is broken. The table of formats is in `fuzz/README.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is what the fuzzer looks for"
)]

use std::path::{Path, PathBuf};

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        $(pub mod $name;)*

        /// Every target by its name.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name::run)),*];
    };
}

targets! {
    answer, appraise, archive, assertion, boot, bundle, carried, chain, checkpoint, claims, config, export,
    governance, json, jwks, leaf, log_entry, memory, policy, preamble, proof, receipt, registry,
    relay, reply, request, root, share, statement, store, tiles, token, wrap, written,
}

mod golden;
pub mod seeds;

/// A folder of this process for what reads files, in memory where the system has such a place.
pub fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = match memory.is_dir() {
        true => memory.to_path_buf(),
        false => std::env::temp_dir(),
    };
    let folder = base.join(format!("vault-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
