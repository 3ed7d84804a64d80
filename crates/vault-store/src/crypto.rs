//! Keys from keys, and AES-256-GCM.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf};
use zeroize::Zeroizing;

/// Length of a GCM tag.
pub(crate) const TAG: usize = 16;

/// What a derived key is for. INVARIANT: no two purposes share a text, and every text is followed by a
/// zero byte and a fixed-width context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Groups of one boot; context: boot id.
    Group,
    /// One snapshot; context: its salt.
    Snapshot,
    /// One bundle of leaf bodies; context: its salt.
    Bundle,
    /// One sealed root; context: its salt.
    Root,
    /// The public name of a platform's sealing key; no context.
    PlatformName,
}

impl Purpose {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Group => b"enclave-vaults/store-group/v1",
            Self::Snapshot => b"enclave-vaults/store-snapshot/v1",
            Self::Bundle => b"enclave-vaults/store-bundle/v1",
            Self::Root => b"enclave-vaults/store-root/v1",
            Self::PlatformName => b"enclave-vaults/store-platform-name/v1",
        }
    }
}

/// The cryptographic library refused what it never refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CryptoFault;

/// HKDF-SHA256 without salt: the input is a uniform key.
pub(crate) fn derive(
    key: &[u8; 32],
    purpose: Purpose,
    context: &[u8],
) -> Result<Zeroizing<[u8; 32]>, CryptoFault> {
    let mut out = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(key)
        .expand(&[purpose.text(), &[0], context], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut()))
        .map_err(|_| CryptoFault)?;
    Ok(out)
}

/// An AES-256-GCM key whose nonce is a counter.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, CryptoFault> {
        UnboundKey::new(&AES_256_GCM, key)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| CryptoFault)
    }

    /// Derives and makes a key in one step.
    pub(crate) fn derived(
        key: &[u8; 32],
        purpose: Purpose,
        context: &[u8],
    ) -> Result<Self, CryptoFault> {
        Self::new(&*derive(key, purpose, context)?)
    }

    /// Encrypts `buffer` in place; gives the tag. A counter is used once in a key's life.
    pub(crate) fn seal(
        &self,
        counter: u64,
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG], CryptoFault> {
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce(counter), Aad::from(aad), buffer)
            .map_err(|_| CryptoFault)?;
        tag.as_ref().try_into().map_err(|_| CryptoFault)
    }

    /// The plaintext of ciphertext and tag, in `scratch`; `None` if they are not authentic.
    pub(crate) fn open_into<'a>(
        &self,
        counter: u64,
        aad: &[u8],
        sealed: &[u8],
        scratch: &'a mut Zeroizing<Vec<u8>>,
    ) -> Option<&'a [u8]> {
        if scratch.capacity() < sealed.len() {
            // Growing in place would leave the old bytes behind, unwiped.
            *scratch = Zeroizing::new(Vec::with_capacity(sealed.len()));
        }
        scratch.clear();
        scratch.extend_from_slice(sealed);
        let opened = self
            .0
            .open_in_place(nonce(counter), Aad::from(aad), scratch.as_mut_slice());
        opened.ok().map(|plaintext| &*plaintext)
    }

    /// The plaintext of ciphertext and tag, which begin at `from`, in their own buffer.
    pub(crate) fn open_within(
        &self,
        counter: u64,
        aad: &[u8],
        sealed: Vec<u8>,
        from: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(sealed);
        let opened = self
            .0
            .open_within(nonce(counter), Aad::from(aad), &mut buffer, from..);
        let length = opened.ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }

    /// The same, in a buffer of its own.
    pub(crate) fn open(
        &self,
        counter: u64,
        aad: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut scratch = Zeroizing::default();
        let length = self.open_into(counter, aad, sealed, &mut scratch)?.len();
        scratch.truncate(length);
        Some(scratch)
    }
}

fn nonce(counter: u64) -> Nonce {
    let [a, b, c, d, e, f, g, h] = counter.to_be_bytes();
    Nonce::assume_unique_for_key([0, 0, 0, 0, a, b, c, d, e, f, g, h])
}

/// SHA-256 of the parts in order.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}
