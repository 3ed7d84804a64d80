//! Large secrets: what is shared is a key, and each vault holds the whole secret under a key of
//! its own that follows from it, so that no two vaults hold the same ciphertext.

use super::layout::{KEY, LENGTH, TAG};
use super::owner::derive;
use super::payload;
use super::seal;
use crate::error::Result;
use vault_encoding::Domain;
use zeroize::Zeroizing;

/// `length ‖ secret ‖ zeros` under the key of the share at `x`, in `len` bytes with the tag.
/// `key` is of this generation only, so each key that follows from it seals once.
pub(super) fn seal_for(key: &[u8; KEY], x: u8, secret: &[u8], len: usize) -> Result<Vec<u8>> {
    let mut plaintext = Zeroizing::new(Vec::with_capacity(len));
    plaintext.extend_from_slice(&payload::length(secret));
    plaintext.extend_from_slice(secret);
    plaintext.resize(len - TAG, 0);
    let tag = seal::seal(&derived(key, x), [0; 12], &[], &mut plaintext)?;
    let mut body = plaintext.to_vec();
    body.extend_from_slice(&tag);
    Ok(body)
}

/// The secret in the body of the share at `x`.
pub(super) fn open(key: &[u8; KEY], x: u8, body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let plaintext = seal::open(&derived(key, x), [0; 12], &[], body)?;
    let (length, rest) = plaintext.split_first_chunk::<LENGTH>()?;
    let (secret, padding) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    payload::all_zero(padding).then(|| Zeroizing::new(secret.to_vec()))
}

fn derived(key: &[u8; KEY], x: u8) -> Zeroizing<[u8; 32]> {
    derive(key, Domain::ShareBody, &[&[x]])
}
