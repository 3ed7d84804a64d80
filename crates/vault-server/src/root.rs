//! The sealed root of a vault's folder: opened, made at first boot, and put in place again when
//! governance changes what it holds.

use crate::boot::Locked;
use crate::clock::fill;
use crate::identity::Identity;
use crate::seal;
use crate::sealed::{Configured, Sealed};
use std::path::Path;
use std::sync::Arc;
use vault_policy::VaultId;
use vault_store::{DirFiles, RootError, RootState, SealProvider, StoreRoot};
use vault_tee::Platform;

/// A root that opened here.
pub(crate) struct OpenedRoot {
    seal: Box<dyn SealProvider>,
    pub(crate) store: StoreRoot,
    pub(crate) identity: Arc<Identity>,
    pub(crate) sealed: Sealed,
}

/// Opens the root, or makes a new vault of this configuration in a folder that holds nothing.
/// `Err` outside is for what a restart may heal.
pub(crate) fn open_root(
    folder: &Path,
    configured: &Configured,
    platform: &dyn Platform,
) -> anyhow::Result<Result<OpenedRoot, Locked>> {
    let Some(seal) = seal::provider(platform) else {
        return Ok(Err(Locked::NoSealingKey));
    };
    let mut files = DirFiles::open(folder)?;
    let store = match vault_store::read_root(&mut files, &*seal) {
        Ok(RootState::Present(root)) => root,
        Ok(RootState::FirstBoot) => first_boot(&mut files, &*seal, configured)?,
        Err(RootError::Locked { reason }) => return Ok(Err(Locked::Root(reason))),
        Err(error) => return Err(error.into()),
    };
    Ok(OpenedRoot::of(seal, store).ok_or(Locked::Identity))
}

/// Opens the root of this vault, which was opened before; never makes a vault.
pub(crate) fn reopen_root(
    files: &mut DirFiles,
    platform: &dyn Platform,
    vault: VaultId,
) -> Result<OpenedRoot, &'static str> {
    let seal = seal::provider(platform).ok_or("the platform gave no sealing key")?;
    match vault_store::read_root(files, &*seal) {
        Ok(RootState::Present(store)) => {
            let root = OpenedRoot::of(seal, store);
            let root = root.filter(|root| root.identity.vault_id() == vault);
            root.ok_or("root.sealed is another vault's by now")
        }
        Ok(RootState::FirstBoot) | Err(_) => Err("root.sealed does not open any more"),
    }
}

impl OpenedRoot {
    fn of(seal: Box<dyn SealProvider>, store: StoreRoot) -> Option<Self> {
        let (identity, sealed) = Sealed::from_payload(&store.payload)?;
        Some(Self {
            seal,
            store,
            identity: Arc::new(identity),
            sealed,
        })
    }

    /// Puts another trust configuration in the place of the sealed one: afterwards, and after a
    /// crash, one of the two is sealed. `files` are under the claim of the log.
    pub(crate) fn reseal(&mut self, files: &mut DirFiles, sealed: Sealed) -> Result<(), RootError> {
        self.store.payload = sealed.to_payload(&self.identity);
        vault_store::write_root(files, &*self.seal, &self.store, &mut fill)?;
        self.sealed = sealed;
        Ok(())
    }
}

fn first_boot(
    files: &mut DirFiles,
    seal: &dyn SealProvider,
    configured: &Configured,
) -> anyhow::Result<StoreRoot> {
    if let RootState::Present(root) = vault_store::begin_first_boot(files, seal)? {
        return Ok(root);
    }
    let identity =
        Identity::generate().ok_or_else(|| anyhow::anyhow!("no identity key could be made"))?;
    let vault_id = *identity.vault_id().0.as_bytes();
    let root = StoreRoot::generate(
        vault_id,
        configured.first().to_payload(&identity),
        &mut fill,
    );
    vault_store::write_root(files, seal, &root, &mut fill)?;
    tracing::info!("first boot: a new vault");
    Ok(root)
}
