//! The nonce that a vault asks for in the proofs of one connection.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use std::fmt;
use vault_encoding::Domain;
use vault_encoding::text::base64url;

/// Makes the nonces of one boot. Nobody else can, and none outlives it.
pub struct NonceKey(hmac::Key);

/// One connection's nonce.
#[derive(Clone)]
pub struct Nonce(String);

impl NonceKey {
    /// From 32 random bytes, made at boot and never stored.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The nonce of the connection with this number. INVARIANT: no two connections of a boot have
    /// the same.
    pub fn nonce(&self, connection: u64) -> Nonce {
        let message = Domain::DpopNonce.message(&[&connection.to_be_bytes()]);
        Nonce(base64url(hmac::sign(&self.0, &message).as_ref()))
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(..)")
    }
}

impl Nonce {
    /// As the client is told it: 43 characters of base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares in constant time.
    pub(super) fn is(&self, shown: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), shown.as_bytes()).is_ok()
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_of_each_boot_has_its_own() {
        let (boot, next) = (NonceKey::new(&[1; 32]), NonceKey::new(&[2; 32]));
        let nonce = boot.nonce(7);
        assert_eq!(nonce.as_str().len(), 43);
        assert!(nonce.is(boot.nonce(7).as_str()));
        for other in [boot.nonce(8), next.nonce(7)] {
            assert!(!nonce.is(other.as_str()));
        }
        assert!(!nonce.is(""));
        assert!(!nonce.is(&format!("{} ", nonce.as_str())));
    }

    #[test]
    fn neither_the_key_nor_a_nonce_is_shown() {
        let boot = NonceKey::new(&[1; 32]);
        assert_eq!(format!("{boot:?}"), "NonceKey(..)");
        assert_eq!(format!("{:?}", boot.nonce(7)), "Nonce(..)");
    }
}
