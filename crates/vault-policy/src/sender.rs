//! The gate behind usage and type: who sends the call is proven by more than a bearer token.

use crate::facts::{Facts, SenderConstraint};
use crate::operation::KeyType;

/// Lengths that the blob of a share can have, in bytes. One short list for everything, so that a
/// length tells nothing but its class.
pub const SHARE_CLASSES: [usize; 7] = [320, 1_088, 4_160, 16_448, 65_664, 262_208, 983_104];

/// Whether a caller with these facts may touch a key of this type at all.
///
/// A vault that keeps a plain bearer token could fetch the other shares with it from the other
/// vaults. So a share needs a token that is bound to its sender or to this vault, or a caller
/// without token on a connection whose evidence was appraised. Evidence beside a plain token does
/// not help: the token alone could be replayed.
pub fn sender_allows(key_type: KeyType, facts: &Facts) -> bool {
    match key_type {
        KeyType::RawShare => is_bound(facts),
        KeyType::P256Signing
        | KeyType::Ed25519Signing
        | KeyType::Aes256Gcm
        | KeyType::HmacSha256 => true,
    }
}

fn is_bound(facts: &Facts) -> bool {
    match &facts.token {
        Some(token) => token.constraint != SenderConstraint::None,
        None => facts.evidence.is_some(),
    }
}
