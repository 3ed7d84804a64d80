//! An owner's split secrets.

use super::holder::ShareHolder;
use super::owner::OwnerKey;
use super::record::SetRecord;
use super::report::{Activated, Failed, Reconstructed, RecoveredSet, Recovery, Wait};
use crate::error::{Error, ErrorCode, Result};
use std::path::PathBuf;
use vault_policy::VaultId;
use zeroize::Zeroizing;

/// The records of an owner's split secrets: a directory, which several processes may share.
pub struct Secrets {
    dir: PathBuf,
    owner: OwnerKey,
}

impl Secrets {
    /// Those in `dir`, which is made (for its user only) when something is first written.
    pub fn new(dir: impl Into<PathBuf>, owner: OwnerKey) -> Self {
        let dir = dir.into();
        Self { dir, owner }
    }

    /// The names of the recorded secrets, sorted.
    pub fn names(&self) -> Result<Vec<String>> {
        todo(&self.dir)
    }

    /// The record of one secret, authenticated under the owner key.
    pub fn record(&self, name: &str) -> Result<SetRecord> {
        let _ = (&self.owner, name);
        todo(&self.dir)
    }

    /// Splits a secret over these vaults, so that any `threshold` of them give it back. All of
    /// them must store their share; otherwise there is no secret of this name, and
    /// what was stored already is destroyed again.
    pub async fn split<H: ShareHolder>(
        &self,
        holders: &[H],
        name: &str,
        secret: &[u8],
        threshold: u8,
        policy: Vec<u8>,
    ) -> Result<Activated, Failed> {
        let _ = (holders, name, secret, threshold, policy);
        Ok(todo(&self.dir)?)
    }

    /// Gets a secret back. Holders of vaults that hold no share of it are left alone.
    pub async fn reconstruct<H: ShareHolder>(
        &self,
        holders: &[H],
        name: &str,
        wait: Wait,
    ) -> Result<Reconstructed, Failed> {
        let _ = (holders, name, wait);
        Ok(todo(&self.dir)?)
    }

    /// Shares the secret anew over the same vaults, under new handles, and destroys the old
    /// shares. `policy` replaces the one in the record.
    pub async fn refresh<H: ShareHolder>(
        &self,
        holders: &[H],
        name: &str,
        policy: Option<Vec<u8>>,
    ) -> Result<Activated, Failed> {
        self.repair(holders, name, &[], &[], policy).await
    }

    /// Shares the secret anew: without the vaults `without`, which are lost or not trusted any
    /// more, and with the vaults `with` besides.
    pub async fn repair<H: ShareHolder>(
        &self,
        holders: &[H],
        name: &str,
        without: &[VaultId],
        with: &[VaultId],
        policy: Option<Vec<u8>>,
    ) -> Result<Activated, Failed> {
        let _ = (holders, name, without, with, policy);
        Ok(todo(&self.dir)?)
    }

    /// Destroys all shares of a secret. The record goes when the last share is gone; until
    /// then what is left is in the error.
    pub async fn destroy<H: ShareHolder>(&self, holders: &[H], name: &str) -> Result<(), Failed> {
        let _ = (holders, name);
        Ok(todo(&self.dir)?)
    }

    /// Finds the owner's secrets on these vaults without a record.
    pub async fn recover<H: ShareHolder>(&self, holders: &[H]) -> Result<Recovery> {
        let _ = holders;
        todo(&self.dir)
    }

    /// Finds secrets on these vaults without record and owner key, by trying combinations of
    /// shares up to a bound.
    pub async fn recover_without_owner<H: ShareHolder>(holders: &[H]) -> Result<Recovery> {
        let _ = holders;
        todo(&PathBuf::new())
    }

    /// Records a recovered secret under a name, so that it can be used and refreshed again.
    pub fn adopt(&self, set: &RecoveredSet, name: &str, policy: Vec<u8>) -> Result<SetRecord> {
        let _ = (set, name, policy, Zeroizing::new(0));
        todo(&self.dir)
    }
}

fn todo<T>(_: &std::path::Path) -> Result<T> {
    Err(Error::new(ErrorCode::Internal))
}
