//! P-256 private keys from bare scalars.

use crate::error::KeyError;
use crate::material::SECRET_LEN;
use crate::parsed::P256Key;
use aws_lc_rs::signature::{self, EcdsaKeyPair, KeyPair, ParsedPublicKey};
use subtle::ConstantTimeEq;
use vault_policy::KeyType;
use zeroize::Zeroizing;

/// Order of the group (FIPS 186-5; SEC 2, 2.4.2), big-endian.
const ORDER: [u8; SECRET_LEN] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// PKCS#8 v1 around an RFC 5915 private key without its public half, up to the scalar.
const PKCS8_PREFIX: [u8; 35] = [
    0x30, 0x41, 0x02, 0x01, 0x00, // PrivateKeyInfo, version 0
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, // id-ecPublicKey
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, // prime256v1
    0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20, // ECPrivateKey, version 1
];

/// Whether 0 < scalar < n, in time that does not depend on it.
pub(crate) fn is_scalar(scalar: &[u8; SECRET_LEN]) -> bool {
    let mut borrow = 0u16;
    for (digit, order) in scalar.iter().rev().zip(ORDER.iter().rev()) {
        borrow = (u16::from(*digit)
            .wrapping_sub(u16::from(*order))
            .wrapping_sub(borrow)
            >> 8)
            & 1;
    }
    let below_order = borrow.ct_eq(&1);
    let zero = scalar.ct_eq(&[0; SECRET_LEN]);
    (below_order & !zero).into()
}

/// The key pair of a scalar. The library computes the public half.
pub(crate) fn parse(scalar: &[u8; SECRET_LEN]) -> Result<P256Key, KeyError> {
    let rejected = |_| KeyError::MaterialRejected {
        key_type: KeyType::P256Signing,
    };
    let mut pkcs8 = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + SECRET_LEN));
    pkcs8.extend_from_slice(&PKCS8_PREFIX);
    pkcs8.extend_from_slice(scalar);
    let private = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8)
        .map_err(rejected)?;
    let public = ParsedPublicKey::new(
        &signature::ECDSA_P256_SHA256_ASN1,
        private.public_key().as_ref(),
    )
    .map_err(rejected)?;
    Ok(P256Key { private, public })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_plus(delta: i16) -> [u8; SECRET_LEN] {
        let mut scalar = ORDER;
        let low = i16::from(scalar[31]) + delta;
        scalar[31] = u8::try_from(low).unwrap();
        scalar
    }

    #[test]
    fn scalars_lie_between_zero_and_the_order() {
        let mut one = [0; SECRET_LEN];
        assert!(!is_scalar(&one));
        one[31] = 1;
        assert!(is_scalar(&one));
        assert!(is_scalar(&order_plus(-1)));
        assert!(!is_scalar(&order_plus(0)));
        assert!(!is_scalar(&order_plus(1)));
        assert!(!is_scalar(&[0xff; SECRET_LEN]));
    }

    #[test]
    fn the_library_agrees_about_the_ends_of_the_range() {
        assert!(parse(&order_plus(-1)).is_ok());
        assert!(parse(&order_plus(0)).is_err());
        assert!(parse(&[0; SECRET_LEN]).is_err());
    }
}
