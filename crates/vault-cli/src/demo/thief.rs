//! `__thief`: whoever has got hold of shares, and tries every combination of them.

use crate::cli::ThiefChildArgs;
use crate::files;
use crate::output::{Human, Output};
use serde_json::json;
use std::path::Path;
use vault_client::secret::{Secrets, ShareHolder};
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::sha256;
use vault_policy::{KeyHandle, VaultId};
use zeroize::Zeroizing;

/// One stolen share, laid out as a vault that holds nothing else: the search without an owner key
/// then tries it with every other.
struct Loot {
    vault: VaultId,
    handle: KeyHandle,
    share: Zeroizing<Vec<u8>>,
}

impl Loot {
    fn read(path: &Path) -> Result<Self> {
        let hash = sha256(path.as_os_str().as_encoded_bytes());
        let mut handle = [0; 16];
        handle.copy_from_slice(hash.0.split_at(16).0);
        Ok(Self {
            vault: VaultId(hash),
            handle: KeyHandle(handle),
            share: Zeroizing::new(files::read(path)?),
        })
    }
}

impl ShareHolder for Loot {
    fn vault_id(&self) -> VaultId {
        self.vault
    }

    async fn put(&self, _: KeyHandle, _: Vec<u8>, _: Zeroizing<Vec<u8>>) -> Result<()> {
        Err(Error::new(ErrorCode::Unavailable))
    }

    async fn get(&self, _: KeyHandle) -> Result<Zeroizing<Vec<u8>>> {
        Ok(self.share.clone())
    }

    async fn list(&self) -> Result<Vec<KeyHandle>> {
        Ok(vec![self.handle])
    }

    async fn destroy(&self, _: KeyHandle) -> Result<()> {
        Err(Error::new(ErrorCode::Unavailable))
    }
}

/// Tries pairs of shares: how many there were, and what those gave that gave a secret.
pub(crate) async fn thief_child(args: ThiefChildArgs) -> Result<Output> {
    let mut tried = 0;
    let mut opened = Vec::new();
    for (at, stolen) in args.stolen.iter().enumerate() {
        let others = match args.with.as_slice() {
            [] => args.stolen.get(at + 1..).unwrap_or_default(),
            with => with,
        };
        for other in others {
            tried += 1;
            let pair = [Loot::read(stolen)?, Loot::read(other)?];
            let found = Secrets::recover_without_owner(&pair).await;
            for set in &found.sets {
                opened.push(sha256(&set.secret).to_string());
            }
        }
    }
    let json = json!({ "tried": tried, "sha256": opened });
    Ok(Output::new(json, Human::Silent))
}
