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

    /// Appends ciphertext and tag to `out`. INVARIANT of the caller: `nonce` is fresh.
    pub(crate) fn seal_append(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), KeyError> {
        self.message_key(nonce)?.seal_append(aad, plaintext, out)
    }

    /// The plaintext of ciphertext and tag.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.message_key(nonce)?.open(aad, sealed)
    }

    /// Steps 1 to 6 of the specification. A message of one whole block makes CMAC one call of
    /// AES, over the block and its first subkey.
    fn message_key(&self, nonce: &[u8; NONCE_LEN]) -> Result<MessageKey, KeyError> {
        let (derive, rest) = nonce.split_at(DERIVE_LEN);
        let mut key = Zeroizing::new([0; SECRET_LEN]);
        for (counter, half) in (1u8..).zip(key.chunks_exact_mut(BLOCK_LEN)) {
            let mut block = [0; BLOCK_LEN];
            let (label, context) = block.split_at_mut(BLOCK_LEN - DERIVE_LEN);
            label.copy_from_slice(&[0, counter, b'X', 0]);
            context.copy_from_slice(derive);
            cmac::sign_to_buffer(&self.0, &block, half)?;
        }
        MessageKey::new(&key, rest)
    }
}

/// AES-256-GCM with the one nonce that its key is used with.
pub(crate) struct MessageKey {
    key: LessSafeKey,
    nonce: Nonce,
}

impl MessageKey {
    pub(crate) fn new(key: &[u8; SECRET_LEN], nonce: &[u8]) -> Result<Self, KeyError> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?);
        Ok(Self {
            key,
            nonce: Nonce::try_assume_unique_for_key(nonce)?,
        })
    }

    pub(crate) fn seal_append(
        self,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), KeyError> {
        let start = out.len();
        out.extend_from_slice(plaintext);
        let message = out.get_mut(start..).ok_or(KeyError::Library)?;
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce, Aad::from(aad), message)
            .map_err(|_| KeyError::TooLong)?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    pub(crate) fn open(self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let split = sealed
            .len()
            .checked_sub(TAG_LEN)
            .ok_or(KeyError::NotAuthentic)?;
        let (ciphertext, tag) = sealed
            .split_at_checked(split)
            .ok_or(KeyError::NotAuthentic)?;
        let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
        self.key
            .open_separate_gather(self.nonce, Aad::from(aad), ciphertext, tag, &mut plaintext)
            .map_err(|_| KeyError::NotAuthentic)?;
        Ok(plaintext)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha3::digest::{ExtendableOutput, Update, XofReader};
    use sha3::{Shake128, Shake128Reader};
    use vault_encoding::text::{hex, unhex};

    fn seal(key: &[u8; 32], nonce: &[u8; 24], plaintext: &[u8], aad: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        XaesKey::new(key)
            .unwrap()
            .seal_append(nonce, aad, plaintext, &mut out)
            .unwrap();
        out
    }

    #[test]
    fn agrees_with_the_two_published_vectors() {
        let vectors = include_str!("../../../vectors/keys/xaes-256-gcm.json");
        let (mut rest, mut count) = (vectors, 0);
        let mut field = |name: &str| {
            let (_, after) = rest.split_once(&format!("\"{name}\": \""))?;
            let (value, after) = after.split_once('"')?;
            rest = after;
            Some(value)
        };
        while let Some(key) = field("key") {
            let key = unhex(key).unwrap();
            let nonce: [u8; 24] = unhex(field("nonce").unwrap()).unwrap();
            let plaintext: [u8; 12] = unhex(field("plaintext").unwrap()).unwrap();
            let aad = field("aad").unwrap();
            let aad = (0..aad.len() / 2).map(|at| u8::from_str_radix(&aad[2 * at..2 * at + 2], 16));
            let aad: Vec<u8> = aad.collect::<Result<_, _>>().unwrap();
            let sealed = seal(&key, &nonce, &plaintext, &aad);
            assert_eq!(hex(&sealed), field("ciphertext").unwrap());
            let opened = XaesKey::new(&key)
                .unwrap()
                .open(&nonce, &aad, &sealed)
                .unwrap();
            assert_eq!(*opened, plaintext);
            count += 1;
        }
        println!("xaes-256-gcm: {count} vectors");
        assert_eq!(count, 2);
    }

    fn read<const N: usize>(stream: &mut Shake128Reader) -> [u8; N] {
        let mut bytes = [0; N];
        stream.read(&mut bytes);
        bytes
    }

    fn read_vector(stream: &mut Shake128Reader) -> Vec<u8> {
        let [len] = read(stream);
        let mut bytes = vec![0; usize::from(len)];
        stream.read(&mut bytes);
        bytes
    }

    #[test]
    fn agrees_with_ten_thousand_accumulated_random_vectors() {
        let mut stream = Shake128::default().finalize_xof();
        let mut all = Shake128::default();
        for _ in 0..10_000 {
            let (key, nonce) = (read(&mut stream), read(&mut stream));
            let (plaintext, aad) = (read_vector(&mut stream), read_vector(&mut stream));
            let sealed = seal(&key, &nonce, &plaintext, &aad);
            let opened = XaesKey::new(&key)
                .unwrap()
                .open(&nonce, &aad, &sealed)
                .unwrap();
            assert_eq!(*opened, plaintext);
            all.update(&sealed);
        }
        let digest: [u8; 32] = read(&mut all.finalize_xof());
        assert_eq!(
            hex(&digest),
            "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
        );
    }
}
