//! Every Wycheproof vector of the algorithms that keys use, against the functions that the
//! operations call. The counts are asserted: a set that shrinks is a test that went missing.

use crate::error::KeyError;
use crate::signature::SignatureFormat;
use crate::verify::{ed25519_is_valid, p256_is_valid};
use crate::xaes::{MessageKey, TAG_LEN};
use crate::{mac, mac_verify};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey};
use wycheproof::{TestResult, aead, ecdsa, eddsa, mac as wycheproof_mac};

#[derive(Default, PartialEq, Eq, Debug)]
struct Count {
    valid: usize,
    invalid: usize,
}

impl Count {
    /// `Acceptable` does not occur in these sets: whatever is not valid must be refused.
    fn check(&mut self, accepted: bool, result: TestResult, id: usize) {
        match result {
            TestResult::Valid => self.valid += 1,
            TestResult::Invalid => self.invalid += 1,
            TestResult::Acceptable => panic!("{id}: acceptable"),
        }
        assert_eq!(accepted, result == TestResult::Valid, "test {id}");
    }
}

fn ecdsa_count(name: ecdsa::TestName, format: SignatureFormat) -> Count {
    let mut count = Count::default();
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &group.key.key).unwrap();
        for test in group.tests {
            let accepted = p256_is_valid(&public, &digest(&SHA256, &test.msg), format, &test.sig);
            count.check(accepted, test.result, test.tc_id);
        }
    }
    println!("{name:?}: {count:?}");
    count
}

#[test]
fn p256_signatures_in_der() {
    let count = ecdsa_count(ecdsa::TestName::EcdsaSecp256r1Sha256, SignatureFormat::Der);
    assert_eq!(
        count,
        Count {
            valid: 174,
            invalid: 310
        }
    );
}

#[test]
fn p256_signatures_in_p1363() {
    let count = ecdsa_count(
        ecdsa::TestName::EcdsaSecp256r1Sha256P1363,
        SignatureFormat::P1363,
    );
    assert_eq!(
        count,
        Count {
            valid: 173,
            invalid: 89
        }
    );
}

#[test]
fn ed25519_signatures() {
    let mut count = Count::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519)
        .unwrap()
        .test_groups
    {
        let public = ParsedPublicKey::new(&ED25519, &group.key.pk).unwrap();
        for test in group.tests {
            let accepted = ed25519_is_valid(&public, &test.msg, &test.sig);
            count.check(accepted, test.result, test.tc_id);
        }
    }
    println!("Ed25519: {count:?}");
    assert_eq!(
        count,
        Count {
            valid: 88,
            invalid: 63
        }
    );
}

/// Shortened tags, which this product never makes, must be prefixes of ours and not verify.
#[test]
fn hmac_sha256_tags() {
    let (mut full, mut shortened) = (Count::default(), Count::default());
    let name = wycheproof_mac::TestName::HmacSha256;
    for group in wycheproof_mac::TestSet::load(name).unwrap().test_groups {
        for test in group.tests {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &test.key);
            let verifies = mac_verify::is_valid(&key, &test.msg, &test.tag).unwrap();
            if group.tag_size == 256 {
                full.check(verifies, test.result, test.tc_id);
            } else {
                let tag = mac::tag(&key, &test.msg).unwrap();
                shortened.check(tag.starts_with(&test.tag), test.result, test.tc_id);
                assert!(!verifies, "test {}", test.tc_id);
            }
        }
    }
    println!("HMAC-SHA-256: full {full:?}, shortened {shortened:?}");
    assert_eq!(
        full,
        Count {
            valid: 33,
            invalid: 54
        }
    );
    assert_eq!(
        shortened,
        Count {
            valid: 33,
            invalid: 54
        }
    );
}

#[test]
fn aes_256_gcm_with_96_bit_nonces() {
    let mut count = Count::default();
    for group in aead::TestSet::load(aead::TestName::AesGcm)
        .unwrap()
        .test_groups
    {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let key = || MessageKey::new(test.key.as_slice().try_into().unwrap(), &test.nonce);
            let sealed = [test.ct.as_slice(), &test.tag].concat();
            let opened = key().unwrap().open(&test.aad, &sealed);
            match &opened {
                Ok(plaintext) => assert_eq!(plaintext.as_slice(), test.pt.as_slice()),
                Err(error) => assert_eq!(*error, KeyError::NotAuthentic),
            }
            count.check(opened.is_ok(), test.result, test.tc_id);
            if test.result == TestResult::Valid {
                let mut ours = Vec::new();
                key()
                    .unwrap()
                    .seal_append(&test.aad, &test.pt, &mut ours)
                    .unwrap();
                assert_eq!(ours, sealed);
                assert_eq!(ours.len(), test.pt.len() + TAG_LEN);
            }
        }
    }
    println!("AES-256-GCM: {count:?}");
    assert_eq!(
        count,
        Count {
            valid: 39,
            invalid: 27
        }
    );
}
