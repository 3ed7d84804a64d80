//! XAES-256-GCM (<https://c2sp.org/XAES-256-GCM>): AES-256-GCM under a key that CMAC-AES256
//! derives from the long-term key and the first half of a 192-bit nonce.

use crate::error::KeyError;
use crate::material::SECRET_LEN;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cmac;
use zeroize::Zeroizing;

/// Length of a nonce.
pub(crate) const NONCE_LEN: usize = 24;
/// Length of a tag.
pub(crate) const TAG_LEN: usize = 16;
const BLOCK_LEN: usize = 16;
const DERIVE_LEN: usize = 12;

/// A long-term key: the keyed CMAC, on the heap of the library, which wipes what it frees.
pub(crate) struct XaesKey(cmac::Key);

impl XaesKey {
    pub(crate) fn new(key: &[u8; SECRET_LEN]) -> Result<Self, KeyError> {
        Ok(Self(cmac::Key::new(cmac::AES_256, key)?))
    }

    /// Appends ciphertext and tag to `out`.
    pub(crate) fn seal_append(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), KeyError> {
        let (key, nonce) = self.message_key(nonce)?;
        let start = out.len();
        out.extend_from_slice(plaintext);
        let message = out.get_mut(start..).ok_or(KeyError::Library)?;
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(aad), message)
            .map_err(|_| KeyError::TooLong)?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// The plaintext of ciphertext and tag.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (key, nonce) = self.message_key(nonce)?;
        let split = sealed
            .len()
            .checked_sub(TAG_LEN)
            .ok_or(KeyError::NotAuthentic)?;
        let (ciphertext, tag) = sealed
            .split_at_checked(split)
            .ok_or(KeyError::NotAuthentic)?;
        let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
        key.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, &mut plaintext)
            .map_err(|_| KeyError::NotAuthentic)?;
        Ok(plaintext)
    }

    /// Steps 1 to 6 of the specification. A message of one whole block makes CMAC one call of
    /// AES, over the block and its first subkey.
    fn message_key(&self, nonce: &[u8; NONCE_LEN]) -> Result<(LessSafeKey, Nonce), KeyError> {
        let (derive, rest) = nonce.split_at(DERIVE_LEN);
        let mut key = Zeroizing::new([0; SECRET_LEN]);
        for (counter, half) in (1u8..).zip(key.chunks_exact_mut(BLOCK_LEN)) {
            let mut block = [0; BLOCK_LEN];
            block[..4].copy_from_slice(&[0, counter, b'X', 0]);
            block[4..].copy_from_slice(derive);
            cmac::sign_to_buffer(&self.0, &block, half)?;
        }
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice())?);
        Ok((key, Nonce::try_assume_unique_for_key(rest)?))
    }
}
