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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use vault_encoding::{sha256, text};

    const BODIES: &str = include_str!("../../../../vectors/secrets/bodies.json");

    #[test]
    fn bodies_are_those_of_the_other_implementation_and_open() {
        let file: Value = serde_json::from_str(BODIES).unwrap();
        let key = text::unhex(file["shared_key"].as_str().unwrap()).unwrap();
        let secret = [0x5a; 70_000];
        for case in file["bodies"].as_array().unwrap() {
            let x = case["x"].as_str().unwrap().parse().unwrap();
            let body = seal_for(&key, x, &secret, 262_208 - 144).unwrap();
            let expected = case["body_sha256"].as_str().unwrap();
            assert_eq!(sha256(&body).to_string(), expected);
            assert_eq!(open(&key, x, &body).unwrap().as_slice(), secret);
            assert!(open(&key, x ^ 2, &body).is_none());
        }
    }
}
