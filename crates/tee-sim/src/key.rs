//! A P-256 key that signs certificates (DER) and quotes (fixed width).

use crate::error::SimError;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A P-256 key of the simulation.
pub(crate) struct SimKey {
    der: EcdsaKeyPair,
    fixed: EcdsaKeyPair,
}

impl SimKey {
    /// A fresh key, as PKCS #8.
    pub(crate) fn generate() -> Result<Zeroizing<Vec<u8>>, SimError> {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// The key in this PKCS #8.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SimError> {
        let load =
            |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).map_err(|_| SimError::Damaged);
        Ok(Self {
            der: load(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
            fixed: load(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
        })
    }

    /// X and Y, 64 bytes.
    pub(crate) fn point(&self) -> Result<[u8; 64], SimError> {
        match self.der.public_key().as_ref() {
            [4, point @ ..] => point.try_into().map_err(|_| SimError::Crypto),
            _ => Err(SimError::Crypto),
        }
    }

    /// r and s, 64 bytes, over the SHA-256 of the message.
    pub(crate) fn sign_fixed(&self, message: &[u8]) -> Result<[u8; 64], SimError> {
        let signature = self.fixed.sign(&SystemRandom::new(), message)?;
        signature.as_ref().try_into().map_err(|_| SimError::Crypto)
    }

    /// A serial number for this key's certificate: positive, 16 bytes.
    pub(crate) fn serial(&self) -> rcgen::SerialNumber {
        let mut serial = Sha256::digest(self.der.public_key().as_ref()).to_vec();
        serial.truncate(16);
        if let Some(first) = serial.first_mut() {
            *first = (*first & 0x3f) | 0x40;
        }
        rcgen::SerialNumber::from(serial)
    }
}

impl rcgen::PublicKeyData for SimKey {
    fn der_bytes(&self) -> &[u8] {
        self.der.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for SimKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.der
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
