//! The owner key: what handles, seals and records of an owner's secrets are derived from. It
//! opens no secret by itself; losing it costs unlinkability and blame, and no secret.

use crate::error::Result;
use aws_lc_rs::hmac;
use vault_encoding::Domain;
use zeroize::Zeroizing;

/// 32 random bytes. Wiped when dropped, and not printable.
pub struct OwnerKey(Zeroizing<[u8; 32]>);

impl OwnerKey {
    /// A new one.
    pub fn generate() -> Result<Self> {
        Ok(Self(Zeroizing::new(crate::client::random()?)))
    }

    /// From exactly 32 bytes.
    pub fn from_bytes(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What tells owner keys apart; says nothing about the key.
    pub fn id(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = *self.derive(Domain::OwnerKey, &[]);
        [a, b, c, d, e, f, g, h]
    }

    /// HMAC-SHA-256 under this key over tag, zero byte and fields.
    pub(super) fn derive(&self, domain: Domain, fields: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        derive(&self.0, domain, fields)
    }
}

/// HMAC-SHA-256 over the domain's message of these fields.
pub(super) fn derive(key: &[u8; 32], domain: Domain, fields: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, &domain.message(fields));
    let mut out = Zeroizing::new([0; 32]);
    for (out, byte) in out.iter_mut().zip(tag.as_ref()) {
        *out = *byte;
    }
    out
}
