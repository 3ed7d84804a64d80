//! Authenticator data of an assertion (Web Authentication Level 3, section 6.1).

use crate::ApprovalFault;
use crate::cbor;
use vault_encoding::Hash;

/// Bytes of authenticator data.
pub const MAX_AUTHENTICATOR_DATA: usize = 4 << 10;

/// Hash of the relying party's id, flags, counter.
const FIXED: usize = 37;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED_CREDENTIAL: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// What an authenticator says of one use.
pub(crate) struct AuthenticatorData {
    pub(crate) rp_id_hash: Hash,
    pub(crate) user_present: bool,
    pub(crate) user_verified: bool,
    pub(crate) counter: u32,
}

impl AuthenticatorData {
    /// An assertion has no attested credential; extensions are one CBOR map, there if and only if their
    /// flag is set.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ApprovalFault> {
        if bytes.len() > MAX_AUTHENTICATOR_DATA {
            return Err(ApprovalFault::AuthenticatorData);
        }
        Self::read(bytes).ok_or(ApprovalFault::AuthenticatorData)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (fixed, extensions) = bytes.split_at_checked(FIXED)?;
        let (rp_id_hash, rest) = fixed.split_first_chunk::<32>()?;
        let (flags, counter) = rest.split_first()?;
        let counter = u32::from_be_bytes(counter.try_into().ok()?);
        let set = |flag| flags & flag != 0;
        let extended = match set(EXTENSIONS) {
            true => cbor::is_one_map(extensions),
            false => extensions.is_empty(),
        };
        let backup = set(BACKUP_ELIGIBLE) || !set(BACKED_UP);
        let fine = extended && backup && !set(ATTESTED_CREDENTIAL);
        fine.then_some(Self {
            rp_id_hash: Hash(*rp_id_hash),
            user_present: set(USER_PRESENT),
            user_verified: set(USER_VERIFIED),
            counter,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With an extension that fills it up to this length.
    fn of_length(length: usize) -> Vec<u8> {
        let filler = length - FIXED - 5;
        let mut bytes = vec![0; FIXED];
        bytes[32] = USER_PRESENT | EXTENSIONS;
        bytes.extend([0xa1, 0x01, 0x59]);
        bytes.extend(u16::try_from(filler).unwrap().to_be_bytes());
        bytes.resize(length, 0);
        bytes
    }

    #[test]
    fn authenticator_data_has_4_kib_and_no_more() {
        let full = AuthenticatorData::parse(&of_length(MAX_AUTHENTICATOR_DATA)).unwrap();
        assert!(full.user_present && !full.user_verified);
        let longer = AuthenticatorData::parse(&of_length(MAX_AUTHENTICATOR_DATA + 1));
        assert_eq!(longer.err(), Some(ApprovalFault::AuthenticatorData));
    }
}
