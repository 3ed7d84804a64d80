//! What one step leaves for the next, and what is left for whoever checks again.

use crate::dev::Layout;
use crate::files;
use std::path::{Path, PathBuf};
use vault_client::Result;

/// The message that is signed all along.
const MESSAGE: &[u8] = b"release 1.0: signed inside an enclave, under a policy\n";

/// The secret that is split.
const SEED: &[u8] = b"tattoo clarify wage evoke orbit panther riot glove swing dune hint among\n";

/// Files and names.
pub(super) struct Facts {
    out: PathBuf,
    shares: PathBuf,
    /// The simulator's directory, for calling enclaves.
    pub(super) sim: PathBuf,
    /// Handle of the owner's key.
    pub(super) handle: String,
    /// Handle of the key that only one build may use.
    pub(super) guarded: String,
    /// Handle of the key that a manager guards, and that of the key on every vault.
    pub(super) approved: String,
    pub(super) everywhere: String,
    /// What policies say of the manager's credential.
    pub(super) passkey: serde_json::Value,
    /// Digest of the profile of the new build.
    pub(super) digest: String,
    /// Size of the log before the crash.
    pub(super) size_before: u64,
    /// Evidence that the owner keeps of the disk that was put back.
    pub(super) evidence: String,
    /// Vaults that were killed, and where they were.
    pub(super) before: Vec<(String, String)>,
    /// Files of the shares before the refresh, and after it.
    pub(super) old: Vec<String>,
    pub(super) new: Vec<String>,
    /// Where the old ones were: vaults, and handles on them.
    pub(super) holders: Vec<String>,
    pub(super) old_handles: Vec<String>,
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
            shares: layout.file("shares"),
            sim: layout.file("sim"),
            handle: String::new(),
            guarded: String::new(),
            approved: String::new(),
            everywhere: String::new(),
            passkey: serde_json::Value::Null,
            digest: String::new(),
            size_before: 0,
            evidence: String::new(),
            before: Vec::new(),
            old: Vec::new(),
            new: Vec::new(),
            holders: Vec::new(),
            old_handles: Vec::new(),
        };
        std::fs::create_dir_all(&facts.shares)
            .map_err(|error| files::inaccessible(&facts.shares, &error))?;
        files::write(&facts.file("message"), MESSAGE)?;
        files::write(&facts.secret("seed"), SEED)?;
        Ok(facts)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// The same, as an argument.
    pub(super) fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// What is not kept: secrets, shares and tokens.
    pub(super) fn secret(&self, name: &str) -> PathBuf {
        self.shares.join(name)
    }

    /// The same, as an argument.
    pub(super) fn secret_path(&self, name: &str) -> String {
        self.secret(name).display().to_string()
    }
}
