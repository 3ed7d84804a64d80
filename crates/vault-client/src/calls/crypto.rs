//! Using keys.

use crate::client::Client;
use crate::error::Result;
use crate::key::KeyName;
use crate::receipt::Answer;
use vault_policy::KeyVersion;
use vault_proto::v1;
use vault_proto::v1::SignatureFormat;

/// What is signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// Hashed in the vault.
    Message(Vec<u8>),
    /// A SHA-256 digest, signed as it is.
    Digest([u8; 32]),
}

/// A signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// In the format asked for.
    pub signature: Vec<u8>,
    /// The version of the key that made it.
    pub version: KeyVersion,
}

impl Signed {
    pub(super) fn of(answer: v1::SignResponse) -> Self {
        Self {
            signature: answer.signature,
            version: KeyVersion(answer.version),
        }
    }
}

/// Bytes, and the version of the key that they were made with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Versioned {
    /// Ciphertext, plaintext, tag or public key.
    pub bytes: Vec<u8>,
    /// The version.
    pub version: KeyVersion,
}

impl Versioned {
    pub(super) fn of(bytes: Vec<u8>, version: u32) -> Self {
        Self {
            bytes,
            version: KeyVersion(version),
        }
    }
}

fn format(der: bool) -> buffa::EnumValue<SignatureFormat> {
    if der {
        SignatureFormat::SIGNATURE_FORMAT_DER.into()
    } else {
        SignatureFormat::SIGNATURE_FORMAT_P1363.into()
    }
}

impl Client {
    /// Signs; `der` asks for ASN.1, else r and s side by side.
    pub async fn sign(&self, key: KeyName, input: Input, der: bool) -> Result<Answer<Signed>> {
        let answer = self.call(self.sign_message(key, input, der)?).await?;
        answer.try_map(|answer| Ok(Signed::of(answer)))
    }

    /// Whether the vault finds the signature valid; by the primary version if none is given.
    pub async fn verify(
        &self,
        key: KeyName,
        input: Input,
        signature: Vec<u8>,
        der: bool,
        version: Option<KeyVersion>,
    ) -> Result<Answer<bool>> {
        let request = self.verify_message(key, input, signature, der, version)?;
        self.call(request).await?.try_map(|answer| Ok(answer.valid))
    }

    /// Encrypts; `aad` is authenticated with it and needed again to decrypt.
    pub async fn wrap(
        &self,
        key: KeyName,
        plaintext: Vec<u8>,
        aad: Vec<u8>,
    ) -> Result<Answer<Versioned>> {
        let answer = self.call(self.wrap_message(key, plaintext, aad)?).await?;
        answer.try_map(|answer| Ok(Versioned::of(answer.ciphertext, answer.version)))
    }

    /// Decrypts what [`Client::wrap`] made.
    pub async fn unwrap(
        &self,
        key: KeyName,
        ciphertext: Vec<u8>,
        aad: Vec<u8>,
    ) -> Result<Answer<Versioned>> {
        let request = self.unwrap_message(key, ciphertext, aad)?;
        let answer = self.call(request).await?;
        answer.try_map(|answer| Ok(Versioned::of(answer.plaintext, answer.version)))
    }

    /// Makes a tag.
    pub async fn mac(&self, key: KeyName, message: Vec<u8>) -> Result<Answer<Versioned>> {
        let answer = self.call(self.mac_message(key, message)?).await?;
        answer.try_map(|answer| Ok(Versioned::of(answer.tag, answer.version)))
    }

    /// Whether the vault finds the tag valid; by the primary version if none is given.
    pub async fn mac_verify(
        &self,
        key: KeyName,
        message: Vec<u8>,
        tag: Vec<u8>,
        version: Option<KeyVersion>,
    ) -> Result<Answer<bool>> {
        let request = self.mac_verify_message(key, message, tag, version)?;
        self.call(request).await?.try_map(|answer| Ok(answer.valid))
    }

    /// The public key, SubjectPublicKeyInfo in DER; of the primary version if none is given.
    pub async fn public_key(
        &self,
        key: KeyName,
        version: Option<KeyVersion>,
    ) -> Result<Answer<Versioned>> {
        let answer = self.call(self.public_key_message(key, version)?).await?;
        answer.try_map(|answer| Ok(Versioned::of(answer.public_key, answer.version)))
    }
}

/// The messages, for calls alone and for those of a batch.
impl Client {
    pub(super) fn sign_message(
        &self,
        key: KeyName,
        input: Input,
        der: bool,
    ) -> Result<v1::SignRequest> {
        use v1::__buffa::oneof::sign_request::Input as Wire;
        Ok(v1::SignRequest {
            key: self.key_ref(key)?.into(),
            input: Some(match input {
                Input::Message(message) => Wire::Message(message),
                Input::Digest(digest) => Wire::Digest(digest.to_vec()),
            }),
            format: format(der),
            ..Default::default()
        })
    }

    pub(super) fn verify_message(
        &self,
        key: KeyName,
        input: Input,
        signature: Vec<u8>,
        der: bool,
        version: Option<KeyVersion>,
    ) -> Result<v1::VerifyRequest> {
        use v1::__buffa::oneof::verify_request::Input as Wire;
        Ok(v1::VerifyRequest {
            key: self.key_ref(key)?.into(),
            input: Some(match input {
                Input::Message(message) => Wire::Message(message),
                Input::Digest(digest) => Wire::Digest(digest.to_vec()),
            }),
            format: format(der),
            signature,
            version: number(version),
            ..Default::default()
        })
    }

    pub(super) fn wrap_message(
        &self,
        key: KeyName,
        plaintext: Vec<u8>,
        aad: Vec<u8>,
    ) -> Result<v1::WrapRequest> {
        Ok(v1::WrapRequest {
            key: self.key_ref(key)?.into(),
            plaintext,
            aad,
            ..Default::default()
        })
    }

    pub(super) fn unwrap_message(
        &self,
        key: KeyName,
        ciphertext: Vec<u8>,
        aad: Vec<u8>,
    ) -> Result<v1::UnwrapRequest> {
        Ok(v1::UnwrapRequest {
            key: self.key_ref(key)?.into(),
            ciphertext,
            aad,
            ..Default::default()
        })
    }

    pub(super) fn mac_message(&self, key: KeyName, message: Vec<u8>) -> Result<v1::MacRequest> {
        Ok(v1::MacRequest {
            key: self.key_ref(key)?.into(),
            message,
            ..Default::default()
        })
    }

    pub(super) fn mac_verify_message(
        &self,
        key: KeyName,
        message: Vec<u8>,
        tag: Vec<u8>,
        version: Option<KeyVersion>,
    ) -> Result<v1::MacVerifyRequest> {
        Ok(v1::MacVerifyRequest {
            key: self.key_ref(key)?.into(),
            message,
            tag,
            version: number(version),
            ..Default::default()
        })
    }

    pub(super) fn public_key_message(
        &self,
        key: KeyName,
        version: Option<KeyVersion>,
    ) -> Result<v1::GetPublicKeyRequest> {
        Ok(v1::GetPublicKeyRequest {
            key: self.key_ref(key)?.into(),
            version: number(version),
            ..Default::default()
        })
    }
}

/// 0 stands for the primary version.
fn number(version: Option<KeyVersion>) -> u32 {
    version.map_or(0, |version| version.0)
}
