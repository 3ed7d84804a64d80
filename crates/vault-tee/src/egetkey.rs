//! Sealing keys by EGETKEY, with the SVNs that a key was made under kept beside what it seals.
//!
//! **Untested on hardware**: nobody has run this on a CPU yet. It is tested against a simulated one.
//!
//! A key that is asked for without SVNs is one of the microcode that runs now, and a microcode update takes it away.
//! So whoever seals keeps the [`KeyRequest`]: a CPU gives the keys of every SVN up to its own, and those of a
//! later one to nobody.
//!
//! Sources: Intel SDM, volume 3D, "KEYREQUEST" (the 512 bytes) and "EGETKEY" (what the CPU checks, and the codes
//! of its refusals).

use crate::error::SealError;
use zeroize::Zeroizing;

/// Length of KEYREQUEST.
pub const KEY_REQUEST: usize = 512;
/// Length of what is kept of a request.
pub const KEPT: usize = 73;

/// KEYNAME of a sealing key.
const SEAL_KEY: u16 = 4;
/// KEYPOLICY: bound to MRENCLAVE. MRSIGNER (bit 1) is never set: whoever signs builds could sign one that tells.
const MRENCLAVE: u16 = 1;
/// ATTRIBUTES that the key depends on: INIT, DEBUG, and whatever is reserved. A debug enclave of the same
/// measurement gets other keys.
const FLAGS_MASK: u64 = 0xff00_0000_0000_000b;
/// Which extensions are switched on is the host's to choose, and carries no trust here.
const XFRM_MASK: u64 = 0;
/// The bits of MISCSELECT that are reserved.
const MISC_MASK: u32 = 0xf000_0000;
/// Of what is kept. Another set of masks would be another format.
const FORMAT: u8 = 1;

/// The versions of what protects an enclave. A CPU orders CPUSVNs; programs do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Svns {
    /// Microcode and what is loaded with it.
    pub cpu: [u8; 16],
    /// The enclave's own.
    pub isv: u16,
    /// Its configuration's.
    pub config: u16,
}

/// One sealing key, named: everything that the CPU derives it from and that is not the enclave itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRequest {
    svns: Svns,
    key_id: [u8; 32],
}

impl KeyRequest {
    /// A new key, of the versions that protect this enclave now; `key_id` is random.
    pub fn new(svns: Svns, key_id: [u8; 32]) -> Self {
        Self { svns, key_id }
    }

    /// KEYREQUEST as the CPU reads it, little-endian.
    pub fn to_bytes(&self) -> [u8; KEY_REQUEST] {
        let Self { svns, key_id } = self;
        let fields: [&[u8]; 9] = [
            &SEAL_KEY.to_le_bytes(),
            &MRENCLAVE.to_le_bytes(),
            &svns.isv.to_le_bytes(),
            &[0; 2],
            &svns.cpu,
            &FLAGS_MASK.to_le_bytes(),
            &XFRM_MASK.to_le_bytes(),
            key_id,
            &MISC_MASK.to_le_bytes(),
        ];
        let mut bytes = fields.concat();
        bytes.extend_from_slice(&svns.config.to_le_bytes());
        let mut request = [0; KEY_REQUEST];
        for (to, from) in request.iter_mut().zip(&bytes) {
            *to = *from;
        }
        request
    }

    /// What is kept beside what the key seals: format, CPUSVN, ISVSVN, CONFIGSVN, the masks, key id. The name of the
    /// key and its policy are not kept, so that no host can ask for others.
    pub fn to_kept(&self) -> [u8; KEPT] {
        let Self { svns, key_id } = self;
        let fields: [&[u8]; 8] = [
            &[FORMAT],
            &svns.cpu,
            &svns.isv.to_le_bytes(),
            &svns.config.to_le_bytes(),
            &FLAGS_MASK.to_le_bytes(),
            &XFRM_MASK.to_le_bytes(),
            &MISC_MASK.to_le_bytes(),
            key_id,
        ];
        let mut kept = [0; KEPT];
        for (to, from) in kept.iter_mut().zip(fields.concat()) {
            *to = from;
        }
        kept
    }

    /// Reads what was kept; `None` for another format and for masks that this build would not ask with.
    pub fn from_kept(kept: &[u8; KEPT]) -> Option<Self> {
        let field = |from: usize, length: usize| kept.get(from..from + length);
        let svns = Svns {
            cpu: field(1, 16)?.try_into().ok()?,
            isv: u16::from_le_bytes(field(17, 2)?.try_into().ok()?),
            config: u16::from_le_bytes(field(19, 2)?.try_into().ok()?),
        };
        let request = Self::new(svns, field(41, 32)?.try_into().ok()?);
        (request.to_kept() == *kept).then_some(request)
    }
}

/// Why a CPU gives no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EgetkeyError {
    /// `SGX_INVALID_CPUSVN`: the key is of later microcode than runs here, or of another CPU's.
    #[error("the key is of later microcode than this CPU runs")]
    CpuSvn,
    /// `SGX_INVALID_ISVSVN`: the key is of a later version of the enclave or of its configuration.
    #[error("the key is of a later version of this enclave")]
    IsvSvn,
    /// Any other refusal, with its code.
    #[error("EGETKEY refused with code {0}")]
    Refused(u32),
    /// It could not be asked.
    #[error("the CPU cannot be asked for keys")]
    Unavailable,
}

impl EgetkeyError {
    /// The meaning of what EGETKEY left in EAX; `None` for success.
    pub fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => None,
            32 => Some(Self::CpuSvn),
            64 => Some(Self::IsvSvn),
            other => Some(Self::Refused(other)),
        }
    }
}

/// The CPU, as far as sealing needs one: two instructions.
pub trait Egetkey: Send + Sync {
    /// The versions that a report of this enclave over nothing says (EREPORT).
    fn svns(&self) -> Result<Svns, SealError>;

    /// ENCLU\[EGETKEY\] with these 512 bytes.
    fn key(&self, request: &[u8; KEY_REQUEST]) -> Result<Zeroizing<[u8; 16]>, EgetkeyError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> KeyRequest {
        let svns = Svns {
            cpu: *b"abcdefghijklmnop",
            isv: 0x0102,
            config: 0x0304,
        };
        KeyRequest::new(svns, [0x5a; 32])
    }

    #[test]
    fn a_request_is_these_bytes() {
        let bytes = request().to_bytes();
        let expected: Vec<u8> = [
            &[4, 0][..],                     // KEYNAME: SEAL
            &[1, 0],                         // KEYPOLICY: MRENCLAVE
            &[2, 1],                         // ISVSVN
            &[0, 0],                         // reserved
            b"abcdefghijklmnop",             // CPUSVN
            &[0x0b, 0, 0, 0, 0, 0, 0, 0xff], // ATTRIBUTEMASK: flags
            &[0; 8],                         // ATTRIBUTEMASK: XFRM
            &[0x5a; 32],                     // KEYID
            &[0, 0, 0, 0xf0],                // MISCMASK
            &[4, 3],                         // CONFIGSVN
        ]
        .concat();
        assert_eq!(expected.len(), 78);
        assert_eq!(bytes[..78], expected);
        assert_eq!(bytes[78..], [0; 434]);
    }

    #[test]
    fn a_request_is_bound_to_the_build_and_never_to_its_signer_and_tells_debug_apart() {
        let bytes = request().to_bytes();
        let policy = u16::from_le_bytes([bytes[2], bytes[3]]);
        assert_eq!((policy & 1, policy & 2), (1, 0), "MRENCLAVE, not MRSIGNER");
        let flags = u64::from_le_bytes(bytes[24..32].try_into().unwrap());
        assert_eq!((flags & 1, flags & 2), (1, 2), "INIT and DEBUG");
    }

    #[test]
    fn what_is_kept_gives_the_same_request_and_no_other_masks() {
        let kept = request().to_kept();
        assert_eq!(KeyRequest::from_kept(&kept), Some(request()));
        let mut refused = 0;
        for (at, bit) in (0..KEPT).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = kept;
            changed[at] ^= 1 << bit;
            match KeyRequest::from_kept(&changed) {
                // Another key, which opens nothing.
                Some(other) => assert_ne!(other.to_bytes(), request().to_bytes()),
                None => refused += 1,
            }
        }
        assert_eq!(refused, 8 * (1 + 8 + 8 + 4), "format and masks");
    }

    #[test]
    fn a_refusal_has_the_meaning_of_its_code() {
        assert_eq!(EgetkeyError::from_code(0), None);
        assert_eq!(EgetkeyError::from_code(32), Some(EgetkeyError::CpuSvn));
        assert_eq!(EgetkeyError::from_code(64), Some(EgetkeyError::IsvSvn));
        assert_eq!(EgetkeyError::from_code(2), Some(EgetkeyError::Refused(2)));
    }
}
