//! What is shared: the secret behind a header that tells, once enough shares are combined, that
//! they were the right ones. Fewer shares say nothing about any byte of it, the header included.

use super::layout::HEADER;
use crate::error::Result;
use vault_encoding::{Domain, Hash};
use zeroize::Zeroizing;

/// Opens every payload, so that trial decoding can discard a wrong combination early.
pub(super) const MAGIC: &[u8; 8] = b"EVSHARE1";
const SALT: usize = 16;

/// `magic ‖ salt ‖ digest ‖ length ‖ body ‖ zeros`, in `len` bytes. `body` fits.
pub(super) fn encode(body: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let salt = Zeroizing::new(crate::client::random::<SALT>()?);
    let length = length(body);
    let mut out = Zeroizing::new(Vec::with_capacity(len));
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&*salt);
    out.extend_from_slice(digest(&salt, &length, body).as_bytes());
    out.extend_from_slice(&length);
    out.extend_from_slice(body);
    out.resize(len, 0);
    Ok(out)
}

/// The body, if these bytes are a payload and nothing else.
pub(super) fn decode(payload: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (header, rest) = payload.split_at_checked(HEADER)?;
    let (magic, header) = header.split_first_chunk::<8>()?;
    let (salt, header) = header.split_first_chunk::<SALT>()?;
    let (expected, length) = header.split_first_chunk::<32>()?;
    let length: &[u8; 4] = length.try_into().ok()?;
    let (body, padding) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let digest = digest(salt, length, body);
    let right = magic == MAGIC && digest.as_bytes() == expected && all_zero(padding);
    right.then(|| Zeroizing::new(body.to_vec()))
}

/// The salt is shared too: whoever can alter a share cannot make the digest of another secret
/// fit, even if he knows the secret.
fn digest(salt: &[u8; SALT], length: &[u8; 4], body: &[u8]) -> Hash {
    Domain::SharePayload.hash(&[salt, length, body])
}

/// Big-endian; a body is far shorter than 4 GiB.
pub(super) fn length(body: &[u8]) -> [u8; 4] {
    u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes()
}

pub(super) fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |any, byte| any | byte) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_one_spelling() {
        let payload = encode(b"secret", 100).unwrap();
        assert_eq!(payload.len(), 100);
        assert_eq!(decode(&payload).unwrap().as_slice(), b"secret");
        for byte in 0..payload.len() {
            for bit in 0..8 {
                let mut altered = payload.to_vec();
                altered[byte] ^= 1 << bit;
                assert!(decode(&altered).is_none(), "bit {bit} of byte {byte}");
            }
        }
        for len in 0..payload.len() {
            let cut = decode(&payload[..len]);
            assert_eq!(cut.is_some(), len >= HEADER + 6, "cut to {len}");
        }
    }
}
