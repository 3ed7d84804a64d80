//! Mac and MacVerify, through permits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use support::{permit, subject};
use vault_encoding::text;
use vault_keys::{KeyIdentity, KeyMaterial, ParsedKey, SecretAccess, TAG_LEN};
use vault_policy::{KeyType, Operation};

fn key(secret: [u8; 32]) -> ParsedKey {
    let access = SecretAccess::granted();
    let material = KeyMaterial::from_secret_bytes(KeyType::HmacSha256, &secret, access).unwrap();
    ParsedKey::parse(KeyIdentity::of_subject(&subject()), &material).unwrap()
}

fn verifies(key: &ParsedKey, message: &[u8], tag: &[u8]) -> bool {
    key.mac_verify(permit(Operation::MacVerify), message, tag)
        .unwrap()
}

/// RFC 4231 has no key of 32 bytes; a shorter key and the same key padded with zeros to the
/// block give one HMAC (RFC 2104), so its test 1 (20 bytes) serves.
#[test]
fn tags_are_those_of_the_rfc() {
    let mut secret = [0; 32];
    secret[..20].copy_from_slice(&[0x0b; 20]);
    let tag = key(secret)
        .mac(permit(Operation::Mac), b"Hi There")
        .unwrap();
    let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
    assert_eq!(text::hex(&tag), expected);
}

#[test]
fn only_the_whole_tag_of_this_message_verifies() {
    let key = key([3; 32]);
    let tag = key.mac(permit(Operation::Mac), b"message").unwrap();
    assert!(verifies(&key, b"message", &tag));
    assert!(!verifies(&key, b"massage", &tag));
    for len in 0..TAG_LEN {
        assert!(!verifies(&key, b"message", &tag[..len]));
    }
    assert!(!verifies(
        &key,
        b"message",
        &[tag.as_slice(), &[0]].concat()
    ));
    for bit in 0..TAG_LEN * 8 {
        let mut flipped = tag;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!verifies(&key, b"message", &flipped));
    }
}
