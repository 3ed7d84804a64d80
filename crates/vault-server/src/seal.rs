//! How a platform seals the store's root: under the one key that it hands out, or by EGETKEY with the SVNs of
//! then kept in front of what is sealed, so that a microcode update does not take the store away.
//!
//! ```text
//! EGETKEY:  "EVSVN" and the format 1 (6) ‖ what is kept of the key request (73) ‖ what `PlatformSeal` makes of the
//!           root under HKDF-SHA256(EGETKEY(request)), with those 79 bytes as associated data before the store's own
//! ```
//! EGETKEY is untested on hardware.

use std::sync::Arc;
use vault_store::{PlatformSeal, SealError, SealProvider};
use vault_tee::{Egetkey, EgetkeyError, KeyRequest, Platform};
use zeroize::Zeroizing;

const MAGIC: [u8; 6] = *b"EVSVN\x01";
const INFO: &[u8] = b"enclave-vaults/egetkey-seal/v1";

/// What this platform seals with; `None` if it gives no key at all.
pub(crate) fn provider(platform: &dyn Platform) -> Option<Box<dyn SealProvider>> {
    match platform.egetkey() {
        Some(cpu) => Some(Box::new(SvnSeal::new(cpu))),
        None => Some(Box::new(PlatformSeal::new(platform.seal_root().ok()?))),
    }
}

/// Seals by EGETKEY. Each sealing takes a key of its own, of the SVNs of now.
pub struct SvnSeal {
    cpu: Arc<dyn Egetkey>,
}

impl SvnSeal {
    /// On this CPU.
    pub fn new(cpu: Arc<dyn Egetkey>) -> Self {
        Self { cpu }
    }

    fn under(&self, request: &KeyRequest) -> Result<PlatformSeal, SealError> {
        let key = self.cpu.key(&request.to_bytes()).map_err(refused)?;
        let key = vault_tee::expand(&key, INFO).map_err(|_| SealError::Fault)?;
        Ok(PlatformSeal::new(key))
    }
}

fn refused(error: EgetkeyError) -> SealError {
    match error {
        EgetkeyError::CpuSvn => SealError::OlderCpu,
        EgetkeyError::IsvSvn => SealError::OlderBuild,
        EgetkeyError::Refused(_) => SealError::OtherPlatform,
        EgetkeyError::Unavailable => SealError::Fault,
    }
}

impl SealProvider for SvnSeal {
    fn seal(
        &self,
        plaintext: &[u8],
        aad: &[u8],
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SealError> {
        let mut key_id = [0; 32];
        fill(&mut key_id);
        let svns = self.cpu.svns().map_err(|_| SealError::Fault)?;
        let request = KeyRequest::new(svns, key_id);
        let header = [&MAGIC[..], &request.to_kept()].concat();
        let aad = [&header, aad].concat();
        let sealed = self.under(&request)?.seal(plaintext, &aad, fill)?;
        Ok([header, sealed].concat())
    }

    fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let kept = sealed
            .strip_prefix(&MAGIC)
            .ok_or(SealError::OtherPlatform)?;
        let (kept, body) = kept.split_first_chunk().ok_or(SealError::Damaged)?;
        let request = KeyRequest::from_kept(kept).ok_or(SealError::Damaged)?;
        let header = [&MAGIC[..], kept].concat();
        self.under(&request)?.open(body, &[&header, aad].concat())
    }
}
