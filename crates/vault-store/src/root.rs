//! The store's root: a random key, sealed to the platform.
//!
//! `root.sealed` is written once, before the first group:
//! "EVROOT\0" and the format version 1, then what the [`SealProvider`] makes of
//! root key (32) ‖ vault id (32) ‖ store generation (16) ‖ payload, with those 8 bytes as associated data.

use crate::crypto::{Cipher, Purpose, derive};
use crate::fields::Fields;
use crate::files::{Files, claim, replace};
use crate::segment;
use crate::storage::{Operation, StorageError};
use zeroize::Zeroizing;

pub(crate) const NAME: &str = "root.sealed";
const MAGIC: [u8; 7] = *b"EVROOT\0";
const VERSION: u8 = 1;

/// Why sealed bytes do not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// Sealed under another platform key: another machine, or another measurement.
    #[error("sealed on another machine, or by another measurement")]
    OtherPlatform,
    /// Sealed under microcode that is later than this CPU's.
    #[error("sealed under later microcode than this machine runs")]
    OlderCpu,
    /// Sealed by a later version of this measurement.
    #[error("sealed by a later version of this build")]
    OlderBuild,
    /// Sealed here, but changed since.
    #[error("the sealed bytes are damaged")]
    Damaged,
    /// The cryptographic library failed.
    #[error("sealing failed")]
    Fault,
}

/// Seals a few bytes to the platform. The store asks it for its root alone.
pub trait SealProvider: Send + Sync {
    /// Encrypts and authenticates `plaintext`, and authenticates `aad`, under a key that nothing
    /// but this measurement on this machine can have.
    fn seal(
        &self,
        plaintext: &[u8],
        aad: &[u8],
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SealError>;

    /// The plaintext of what `seal` gave for the same `aad`.
    fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError>;
}

/// Seals under a 32-byte key that the platform gives to this measurement on this machine: name of that
/// key (16) ‖ salt (32) ‖ ciphertext ‖ tag (16), AES-256-GCM under HKDF-SHA256(key, purpose ‖ 0x00 ‖ salt).
pub struct PlatformSeal {
    key: Zeroizing<[u8; 32]>,
}

impl PlatformSeal {
    /// From the platform's sealing key.
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key }
    }

    /// Tells another platform from damage; says nothing about the key.
    fn name(&self) -> Result<[u8; 16], SealError> {
        let name = derive(&self.key, Purpose::PlatformName, &[]).map_err(|_| SealError::Fault)?;
        Fields(name.as_ref()).array().ok_or(SealError::Fault)
    }
}

impl SealProvider for PlatformSeal {
    fn seal(
        &self,
        plaintext: &[u8],
        aad: &[u8],
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SealError> {
        let mut salt = [0; 32];
        fill(&mut salt);
        let mut body = Zeroizing::new(plaintext.to_vec());
        let tag = Cipher::derived(&self.key, Purpose::Root, &salt)
            .and_then(|cipher| cipher.seal(0, aad, &mut body))
            .map_err(|_| SealError::Fault)?;
        Ok([&self.name()?[..], &salt, &body, &tag].concat())
    }

    fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let mut fields = Fields(sealed);
        let name: [u8; 16] = fields.array().ok_or(SealError::Damaged)?;
        let salt: [u8; 32] = fields.array().ok_or(SealError::Damaged)?;
        if name != self.name()? {
            return Err(SealError::OtherPlatform);
        }
        let cipher =
            Cipher::derived(&self.key, Purpose::Root, &salt).map_err(|_| SealError::Fault)?;
        cipher.open(0, aad, fields.rest()).ok_or(SealError::Damaged)
    }
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
        Self {
            key,
            vault_id,
            generation,
            payload,
        }
    }

    /// What log and archive need of it.
    pub fn without_payload(&self) -> Self {
        let Self {
            key,
            vault_id,
            generation,
            payload: _,
        } = self;
        let payload = Zeroizing::new(Vec::new());
        Self {
            key: key.clone(),
            vault_id: *vault_id,
            generation: *generation,
            payload,
        }
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let Self {
            key,
            vault_id,
            generation,
            payload,
        } = self;
        let mut bytes = Zeroizing::new(Vec::with_capacity(80 + payload.len()));
        for part in [&key[..], vault_id, generation, payload] {
            bytes.extend_from_slice(part);
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        Some(Self {
            key: Zeroizing::new(fields.array()?),
            vault_id: fields.array()?,
            generation: fields.array()?,
            payload: Zeroizing::new(fields.rest().to_vec()),
        })
    }
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
    /// The root was sealed under later microcode than this machine runs.
    #[error("root.sealed was sealed under later microcode than this machine runs")]
    OlderCpu,
    /// The root was sealed by a later version of this build.
    #[error("root.sealed was sealed by a later version of this build")]
    OlderBuild,
    /// The root was changed.
    #[error("root.sealed is damaged")]
    DamagedRoot,
    /// The root was written by a later format.
    #[error("root.sealed has a format that this build does not know")]
    UnknownFormat,
}

/// Why no root could be read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RootError {
    /// The store does not open here. Never to be taken for a first boot.
    #[error("locked: {reason}")]
    Locked {
        /// Why.
        reason: LockedReason,
    },
    /// The platform does not seal.
    #[error("the platform failed to seal")]
    Seal,
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<LockedReason> for RootError {
    fn from(reason: LockedReason) -> Self {
        Self::Locked { reason }
    }
}

/// What a store's directory holds.
pub enum RootState {
    /// Nothing at all.
    FirstBoot,
    /// A store that opens here.
    Present(StoreRoot),
}

/// Reads `root.sealed`. A first boot is a directory without root, log and snapshot, and nothing else.
pub fn read_root(
    files: &mut dyn Files,
    provider: &dyn SealProvider,
) -> Result<RootState, RootError> {
    let names = files.list().map_err(StorageError::io(Operation::List))?;
    if !names.iter().any(|name| name == NAME) {
        let used = names.iter().any(|name| segment::is_store_file(name));
        return if used {
            Err(LockedReason::MissingRoot.into())
        } else {
            Ok(RootState::FirstBoot)
        };
    }
    let bytes = crate::files::read_all(files, NAME)?;
    open(&bytes, provider).map(RootState::Present)
}

/// Begins a first boot: whoever else is about to is shut out, and writes no root any more. Reads again, because it
/// may have done so before.
pub fn begin_first_boot(
    files: &mut dyn Files,
    provider: &dyn SealProvider,
) -> Result<RootState, RootError> {
    let shut_out = files.shut_out();
    shut_out.map_err(StorageError::io(Operation::Remove))?;
    claim(files)?;
    read_root(files, provider)
}

fn open(bytes: &[u8], provider: &dyn SealProvider) -> Result<StoreRoot, RootError> {
    let (header, sealed) = bytes.split_at_checked(8).ok_or(LockedReason::DamagedRoot)?;
    match header.split_first_chunk() {
        Some((&MAGIC, [VERSION])) => {}
        Some((&MAGIC, _)) => return Err(LockedReason::UnknownFormat.into()),
        _ => return Err(LockedReason::DamagedRoot.into()),
    }
    let plaintext = provider.open(sealed, header).map_err(|error| match error {
        SealError::OtherPlatform => LockedReason::OtherPlatform.into(),
        SealError::OlderCpu => LockedReason::OlderCpu.into(),
        SealError::OlderBuild => LockedReason::OlderBuild.into(),
        SealError::Damaged => LockedReason::DamagedRoot.into(),
        SealError::Fault => RootError::Seal,
    })?;
    StoreRoot::from_bytes(&plaintext).ok_or(LockedReason::DamagedRoot.into())
}

/// Writes `root.sealed`, once, before the first group; durable when it returns.
pub fn write_root(
    files: &mut dyn Files,
    provider: &dyn SealProvider,
    root: &StoreRoot,
    fill: &mut dyn FnMut(&mut [u8]),
) -> Result<(), RootError> {
    let mut bytes = [&MAGIC[..], &[VERSION]].concat();
    let sealed = provider
        .seal(&root.to_bytes(), &bytes, fill)
        .map_err(|_| RootError::Seal)?;
    bytes.extend_from_slice(&sealed);
    replace(files, NAME, &bytes).map_err(RootError::from)
}
