//! What one step leaves for the next, and what is left for whoever checks again.

use crate::dev::Layout;
use crate::files;
use std::path::{Path, PathBuf};
use vault_client::Result;

/// The message that is signed all along.
const MESSAGE: &[u8] = b"release 1.0: signed inside an enclave, under a policy\n";

/// Files and names.
pub(super) struct Facts {
    out: PathBuf,
    /// The simulator's directory, for calling enclaves.
    pub(super) sim: PathBuf,
    /// Handle of the owner's key.
    pub(super) handle: String,
    /// Handle of the key that only one build may use.
    pub(super) guarded: String,
    /// Size of the log before the crash.
    pub(super) size_before: u64,
}

impl Facts {
    /// Files go into `keep`, or into the demo's own directory.
    pub(super) fn prepare(layout: &Layout, keep: Option<&Path>) -> Result<Self> {
        let out = match keep {
            Some(dir) => dir.to_owned(),
            None => layout.file("out"),
        };
        std::fs::create_dir_all(&out).map_err(|error| files::inaccessible(&out, &error))?;
        let facts = Self {
            out,
            sim: layout.file("sim"),
            handle: String::new(),
            guarded: String::new(),
            size_before: 0,
        };
        files::write(&facts.file("message"), MESSAGE)?;
        Ok(facts)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// The same, as an argument.
    pub(super) fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }
}
