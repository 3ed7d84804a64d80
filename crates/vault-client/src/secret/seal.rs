//! AES-256-GCM.

use crate::error::{Error, ErrorCode, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// Encrypts in place and gives the tag.
pub(super) fn seal(
    key: &[u8; 32],
    nonce: [u8; 12],
    aad: &[u8],
    text: &mut [u8],
) -> Result<[u8; 16]> {
    let failed = || Error::new(ErrorCode::Internal).detail("AES-256-GCM");
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| failed())?;
    let tag = LessSafeKey::new(key)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text)
        .map_err(|_| failed())?;
    tag.as_ref().try_into().map_err(|_| failed())
}

/// The plaintext of a ciphertext with its tag, if both are authentic.
pub(super) fn open(
    key: &[u8; 32],
    nonce: [u8; 12],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let mut text = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let len = key
        .open_in_place(nonce, Aad::from(aad), &mut text)
        .ok()?
        .len();
    text.truncate(len);
    Some(text)
}
