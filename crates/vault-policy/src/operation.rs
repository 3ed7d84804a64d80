//! What can be asked of a key.

/// The type of a key. Fixed for life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KeyType {
    /// ECDSA over P-256 with SHA-256 (FIPS 186-5).
    P256Signing,
    /// Ed25519 (RFC 8032).
    Ed25519Signing,
    /// XAES-256-GCM (C2SP): a fresh key for every message.
    Aes256Gcm,
    /// HMAC with SHA-256 (RFC 2104).
    HmacSha256,
    /// One share of a secret: opaque bytes of a size class.
    RawShare,
}

impl KeyType {
    /// Every type.
    pub const ALL: [Self; 5] = [
        Self::P256Signing,
        Self::Ed25519Signing,
        Self::Aes256Gcm,
        Self::HmacSha256,
        Self::RawShare,
    ];

    /// The name in leaves, policies, JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256Signing => "p256",
            Self::Ed25519Signing => "ed25519",
            Self::Aes256Gcm => "aes256-gcm",
            Self::HmacSha256 => "hmac-sha256",
            Self::RawShare => "raw-share",
        }
    }

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// What a policy's rules grant, and a key's usage bounds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operation {
    /// Sign a message, hashed inside.
    Sign,
    /// Sign a digest as it is; a usage of its own.
    SignDigest,
    /// Verify a signature.
    Verify,
    /// Encrypt.
    Wrap,
    /// Decrypt.
    Unwrap,
    /// Make a tag.
    Mac,
    /// Check a tag.
    MacVerify,
    /// Read the public key.
    GetPublicKey,
    /// Fetch a share as it was stored.
    Reconstruct,
    /// Propose an attestation profile; uses no secret.
    StageProfile,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 10] = [
        Self::Sign,
        Self::SignDigest,
        Self::Verify,
        Self::Wrap,
        Self::Unwrap,
        Self::Mac,
        Self::MacVerify,
        Self::GetPublicKey,
        Self::Reconstruct,
        Self::StageProfile,
    ];

    /// The operations that use a key, and so may stand in a usage.
    pub const USES: [Self; 9] = [
        Self::Sign,
        Self::SignDigest,
        Self::Verify,
        Self::Wrap,
        Self::Unwrap,
        Self::Mac,
        Self::MacVerify,
        Self::GetPublicKey,
        Self::Reconstruct,
    ];

    /// The name in policies and leaves.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::SignDigest => "sign_digest",
            Self::Verify => "verify",
            Self::Wrap => "wrap",
            Self::Unwrap => "unwrap",
            Self::Mac => "mac",
            Self::MacVerify => "mac_verify",
            Self::GetPublicKey => "get_public_key",
            Self::Reconstruct => "reconstruct",
            Self::StageProfile => "stage_profile",
        }
    }

    /// The operation of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}
