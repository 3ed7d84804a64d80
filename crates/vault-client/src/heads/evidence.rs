//! Evidence of a rollback or a fork: both heads with the notes that the vault signed.

use super::file::Locked;
use super::{HeadStore, SeenHead, StoredHead};
use crate::error::{Error, ErrorCode, Heads, Result};
use serde::Serialize;
use std::path::PathBuf;
use vault_policy::VaultId;

#[derive(Serialize)]
struct Evidence {
    format: &'static str,
    kind: &'static str,
    vault_id: String,
    seen: StoredHead,
    answered: StoredHead,
}

impl HeadStore {
    /// Keeps both heads on disk and returns the error that names them. The evidence of the same
    /// two heads is one file.
    pub fn contradiction(
        &self,
        code: ErrorCode,
        vault: &VaultId,
        seen: SeenHead,
        answered: SeenHead,
    ) -> Error {
        let error = Error::new(code).vault(*vault);
        let (error, evidence) = match self.keep_evidence(code, vault, &seen, &answered) {
            Ok(path) => (error, Some(path)),
            Err(failed) => (
                error.detail(format_args!("evidence not kept: {failed}")),
                None,
            ),
        };
        error.heads(Heads {
            seen,
            answered,
            evidence,
        })
    }

    fn keep_evidence(
        &self,
        code: ErrorCode,
        vault: &VaultId,
        seen: &SeenHead,
        answered: &SeenHead,
    ) -> Result<PathBuf> {
        let evidence = Evidence {
            format: "enclave-vaults/head-evidence/v1",
            kind: code.name(),
            vault_id: vault.to_string(),
            seen: seen.into(),
            answered: answered.into(),
        };
        let name = format!(
            "evidence-{}-{}-{}.json",
            code.name(),
            seen.size,
            answered.root
        );
        Locked::acquire(&self.vault_dir(vault))?.write_json(&name, &evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha256;

    #[test]
    fn both_heads_are_kept_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        let vault = VaultId(sha256(b"vault"));
        let head = |size, tag: &[u8]| SeenHead {
            size,
            root: sha256(tag),
            checkpoint: b"note\n".to_vec(),
        };
        let error = store.contradiction(
            ErrorCode::RollbackDetected,
            &vault,
            head(9, b"a"),
            head(4, b"b"),
        );
        assert_eq!(error.code, ErrorCode::RollbackDetected);
        let path = error.heads.as_ref().unwrap().evidence.clone().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text.contains(&sha256(b"a").to_string()) && text.contains(&sha256(b"b").to_string())
        );
    }
}
