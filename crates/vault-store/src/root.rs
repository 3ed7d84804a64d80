//! The store's root: a random key, sealed to the platform.

use crate::files::Files;
use crate::storage::StorageError;
use zeroize::Zeroizing;

/// Draws random bytes.
pub(crate) type Fill<'a> = &'a mut dyn FnMut(&mut [u8]);

/// Why sealed bytes do not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// Sealed under another platform key: another machine, or another measurement.
    #[error("sealed on another machine, or by another measurement")]
    OtherPlatform,
    /// Sealed here, but changed since.
    #[error("the sealed bytes are damaged")]
    Damaged,
}

/// Seals a few bytes to the platform. The store asks it for its root alone.
pub trait SealProvider: Send + Sync {
    /// Encrypts and authenticates `plaintext`, and authenticates `aad`; never the same bytes twice.
    fn seal(&self, plaintext: &[u8], aad: &[u8], fill: &mut dyn FnMut(&mut [u8])) -> Vec<u8>;
    /// The plaintext of what `seal` gave for the same `aad`.
    fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError>;
}

/// Seals under a 32-byte key that the platform gives to this measurement on this machine.
pub struct PlatformSeal {
    pub(crate) key: Zeroizing<[u8; 32]>,
}

/// What the store is sealed under, and what the vault keeps beside it.
pub struct StoreRoot {
    pub(crate) key: Zeroizing<[u8; 32]>,
    /// The vault.
    pub vault_id: [u8; 32],
    /// Random, made at first boot.
    pub generation: [u8; 16],
    /// The vault's own, such as the seed of its identity key.
    pub payload: Zeroizing<Vec<u8>>,
}

/// Why a vault stays locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LockedReason {
    /// There is a log or a snapshot, but no root.
    #[error("root.sealed is missing, but a log is there")]
    MissingRoot,
    /// The root was sealed on another machine or by another measurement.
    #[error("root.sealed was sealed on another machine, or by another measurement")]
    OtherPlatform,
    /// The root was changed.
    #[error("root.sealed is damaged")]
    DamagedRoot,
    /// The root was written by a later format.
    #[error("root.sealed has a format that this build does not know")]
    UnknownFormat,
}

/// Why no root could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RootError {
    /// The store does not open here. Never to be taken for a first boot.
    #[error("locked: {reason}")]
    Locked {
        /// Why.
        reason: LockedReason,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a store's directory holds.
pub enum RootState {
    /// Nothing at all.
    FirstBoot,
    /// A store that opens here.
    Present(StoreRoot),
}

/// Reads `root.sealed`.
pub fn read_root(
    _files: &mut dyn Files,
    _provider: &dyn SealProvider,
) -> Result<RootState, RootError> {
    unimplemented!()
}

/// Writes `root.sealed`, once, before the first group.
pub fn write_root(
    _files: &mut dyn Files,
    _provider: &dyn SealProvider,
    _root: &StoreRoot,
    _fill: &mut dyn FnMut(&mut [u8]),
) -> Result<(), StorageError> {
    unimplemented!()
}

impl PlatformSeal {
    /// From the platform's sealing key.
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key }
    }
}

impl SealProvider for PlatformSeal {
    fn seal(&self, _plaintext: &[u8], _aad: &[u8], _fill: Fill<'_>) -> Vec<u8> {
        unimplemented!()
    }
    fn open(&self, _sealed: &[u8], _aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        unimplemented!()
    }
}

impl StoreRoot {
    /// A new root for this vault.
    pub fn generate(
        vault_id: [u8; 32],
        payload: Zeroizing<Vec<u8>>,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let mut generation = [0; 16];
        fill(key.as_mut());
        fill(&mut generation);
        Self { key, vault_id, generation, payload }
    }
}
