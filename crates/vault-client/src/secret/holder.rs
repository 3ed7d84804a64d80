//! Where shares are kept.

use crate::error::{Error, ErrorCode, Result};
use vault_policy::{KeyHandle, VaultId};
use zeroize::Zeroizing;

/// One vault, as far as shares are concerned. A holder that is not connected yet connects with
/// the first call; one that cannot answers with an error, which is reported as that vault's.
pub trait ShareHolder: Sync {
    /// The vault.
    fn vault_id(&self) -> VaultId;

    /// Stores a share under this handle and policy, durably. A handle that is
    /// taken is `AlreadyExists`.
    fn put(
        &self,
        handle: KeyHandle,
        policy: Vec<u8>,
        share: Zeroizing<Vec<u8>>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// The share as it was stored.
    fn get(&self, handle: KeyHandle) -> impl Future<Output = Result<Zeroizing<Vec<u8>>>> + Send;

    /// The handles of all shares that the caller owns here and that are not destroyed.
    fn list(&self) -> impl Future<Output = Result<Vec<KeyHandle>>> + Send;

    /// Destroys a share. `NotFound` says that there is none any more.
    fn destroy(&self, handle: KeyHandle) -> impl Future<Output = Result<()>> + Send;
}

/// The holder of this vault.
pub(super) fn of<H: ShareHolder>(holders: &[H], vault: VaultId) -> Result<&H> {
    let mut holders = holders.iter();
    holders
        .find(|holder| holder.vault_id() == vault)
        .ok_or_else(|| {
            Error::new(ErrorCode::Unavailable)
                .vault(vault)
                .detail("this vault is not among those that were given")
        })
}
