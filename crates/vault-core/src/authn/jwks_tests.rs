//! Documents of keys that must be refused, skipped or read.

use super::*;
use crate::authn::token_testing::{Key, jwks, key};

fn document(entries: &[String]) -> Vec<u8> {
    format!(r#"{{"keys":[{}]}}"#, entries.join(",")).into_bytes()
}

fn entry(kid: &str, members: &str) -> String {
    format!(r#"{{"kid":"{kid}",{members}}}"#)
}

fn es256(kid: &str) -> String {
    entry(kid, &key(Algorithm::Es256).jwk())
}

fn refused(bytes: &[u8]) -> JwksError {
    KeySet::parse(bytes).unwrap_err()
}

#[test]
fn every_algorithm_is_read_from_alg_or_kind() {
    let set = KeySet::parse(jwks().as_bytes()).unwrap();
    assert_eq!(set.len(), 4);
    for algorithm in Algorithm::ALL {
        assert_eq!(set.get(algorithm.name()).unwrap().algorithm(), algorithm);
    }
    let plain = |algorithm: Algorithm| entry(algorithm.name(), &key(algorithm).jwk());
    let set = KeySet::parse(&document(&Algorithm::ALL.map(plain))).unwrap();
    assert_eq!(set.get("EdDSA").unwrap().algorithm(), Algorithm::EdDsa);
    assert_eq!(set.get("PS256").unwrap().algorithm(), Algorithm::Rs256);
}

#[test]
fn keys_that_cannot_verify_tokens_are_skipped() {
    let ec = key(Algorithm::Es256).jwk();
    let rsa = key(Algorithm::Rs256).jwk();
    let skipped = [
        entry("a", &format!(r#""use":"enc",{ec}"#)),
        entry("b", &format!(r#""key_ops":["encrypt"],{rsa}"#)),
        entry("c", &format!(r#""alg":"ES384",{ec}"#)),
        entry("d", &format!(r#""alg":"RS256",{ec}"#)),
        entry("e", &format!(r#""alg":"RSA-OAEP",{rsa}"#)),
        entry("f", r#""kty":"EC","crv":"P-384","x":"AA","y":"AA""#),
        entry("g", r#""kty":"OKP","crv":"X25519","x":"AA""#),
        entry("h", r#""kty":"AKP","alg":"ML-DSA-65","pub":"AA""#),
        format!("{{{ec}}}"),
    ];
    for one in &skipped {
        let with = document(&[one.clone(), es256("good")]);
        assert_eq!(KeySet::parse(&with).unwrap().len(), 1, "{one}");
        assert_eq!(
            refused(&document(std::slice::from_ref(one))),
            JwksError::NoUsableKey,
            "{one}"
        );
    }
}

#[test]
fn a_key_that_says_that_it_verifies_is_read() {
    let ec = key(Algorithm::Es256).jwk();
    for said in [
        r#""use":"sig""#,
        r#""key_ops":["verify"]"#,
        r#""key_ops":["sign","verify"]"#,
        r#""use":"sig","key_ops":["verify"],"alg":"ES256""#,
    ] {
        let one = document(&[entry("a", &format!("{said},{ec}"))]);
        assert_eq!(KeySet::parse(&one).unwrap().len(), 1, "{said}");
    }
    for (said, reason) in [
        (r#""key_ops":[]"#, JwksError::NoUsableKey),
        (r#""key_ops":[["verify"]]"#, JwksError::NoUsableKey),
        (r#""key_ops":"verify""#, JwksError::BadKey),
        (r#""use":["sig"]"#, JwksError::BadKey),
        (r#""alg":1"#, JwksError::BadKey),
    ] {
        let one = document(&[entry("a", &format!("{said},{ec}"))]);
        assert_eq!(refused(&one), reason, "{said}");
    }
}

#[test]
fn the_name_of_a_key_is_bounded() {
    let named = |length: usize| document(&[es256(&"k".repeat(length))]);
    let set = KeySet::parse(&named(LONGEST_KID)).unwrap();
    assert!(set.get(&"k".repeat(LONGEST_KID)).is_some());
    assert!(set.get("k").is_none());
    assert_eq!(refused(&named(LONGEST_KID + 1)), JwksError::BadKey);
}

#[test]
fn a_set_is_empty_only_without_keys_and_shows_no_more_than_algorithms() {
    let set = KeySet::parse(&document(&[es256("good")])).unwrap();
    assert!(!set.is_empty());
    assert!(KeySet(BTreeMap::new()).is_empty());
    let shown = format!("{set:?}");
    assert_eq!(shown, r#"KeySet({"good": VerifyingKey(ES256)})"#);
}

#[test]
fn documents_with_secrets_doubles_or_broken_keys_are_refused_whole() {
    let good = es256("good");
    let cases = [
        (
            entry("s", r#""kty":"oct","k":"AAAA""#),
            JwksError::SecretKey,
        ),
        (entry("s", r#""kty":"oct""#), JwksError::SecretKey),
        (
            es256("good").replace('}', r#","d":"AAAA"}"#),
            JwksError::SecretKey,
        ),
        (es256("good"), JwksError::DuplicateKid),
        (
            entry("x", r#""kty":"EC","crv":"P-256","x":"AA","y":"AA""#),
            JwksError::BadKey,
        ),
        (
            entry("x", r#""kty":"EC","crv":"P-256","x":"AA""#),
            JwksError::BadKey,
        ),
        (
            entry("x", r#""kty":"OKP","crv":"Ed25519","x":"AAAA""#),
            JwksError::BadKey,
        ),
        (entry("x", r#""crv":"Ed25519""#), JwksError::BadKey),
        (entry("x", r#""kty":1"#), JwksError::BadKey),
        (entry("", &key(Algorithm::Es256).jwk()), JwksError::BadKey),
        ("1".into(), JwksError::Malformed),
        ("[]".into(), JwksError::Malformed),
        (r#"{"kty":"EC","kty":"RSA"}"#.into(), JwksError::Malformed),
    ];
    assert!(KeySet::parse(&document(std::slice::from_ref(&good))).is_ok());
    for (entry, reason) in cases {
        assert_eq!(
            refused(&document(&[good.clone(), entry.clone()])),
            reason,
            "{entry}"
        );
    }
}

#[test]
fn a_point_off_the_curve_and_weak_rsa_keys_are_refused() {
    let x = text::base64url(&[1; 32]);
    let off = entry(
        "x",
        &format!(r#""kty":"EC","crv":"P-256","x":"{x}","y":"{x}""#),
    );
    assert_eq!(refused(&document(&[off])), JwksError::BadKey);
    let rsa = |n: &[u8], e: &[u8]| {
        let (n, e) = (text::base64url(n), text::base64url(e));
        document(&[entry("x", &format!(r#""kty":"RSA","n":"{n}","e":"{e}""#))])
    };
    let odd = |length: usize| {
        let mut modulus = vec![0xc3; length];
        modulus[length - 1] |= 1;
        modulus
    };
    assert!(KeySet::parse(&rsa(&odd(256), &[1, 0, 1])).is_ok());
    for (n, e) in [
        (odd(128), &[1, 0, 1][..]),
        (odd(255), &[1, 0, 1]),
        (odd(1025), &[1, 0, 1]),
        (vec![0xc2; 256], &[1, 0, 1]),
        (odd(256), &[1]),
        (odd(256), &[3]),
        (odd(256), &[]),
        (odd(256), &[0, 1, 0, 1]),
    ] {
        assert_eq!(refused(&rsa(&n, e)), JwksError::BadKey, "{} {e:?}", n.len());
    }
}

#[test]
fn a_document_is_bounded_in_bytes_keys_and_depth() {
    let many = |count: usize| {
        let entries: Vec<_> = (0..count).map(|index| es256(&index.to_string())).collect();
        document(&entries)
    };
    assert_eq!(KeySet::parse(&many(MOST_KEYS)).unwrap().len(), MOST_KEYS);
    assert_eq!(refused(&many(MOST_KEYS + 1)), JwksError::TooManyKeys);
    let mut padded = document(&[es256("good")]);
    padded.resize(LONGEST, b' ');
    assert!(KeySet::parse(&padded).is_ok());
    padded.push(b' ');
    assert_eq!(refused(&padded), JwksError::Malformed);
    for text in [
        "",
        "{}",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]}x"#,
    ] {
        assert_eq!(refused(text.as_bytes()), JwksError::Malformed, "{text}");
    }
    assert_eq!(refused(br#"{"keys":[]}"#), JwksError::NoUsableKey);
    let deep = format!(
        r#"{{"keys":[{{"x":{}{}}}]}}"#,
        "[".repeat(50),
        "]".repeat(50)
    );
    assert_eq!(refused(deep.as_bytes()), JwksError::Malformed);
}

#[test]
fn a_key_verifies_what_it_signed_and_nothing_else() {
    let set = KeySet::parse(jwks().as_bytes()).unwrap();
    for algorithm in Algorithm::ALL {
        let signature = key(algorithm).sign(b"message");
        let verifying = set.get(algorithm.name()).unwrap();
        assert!(verifying.verifies(b"message", &signature));
        assert!(!verifying.verifies(b"massage", &signature));
        let other = Key::generate(Algorithm::EdDsa).sign(b"message");
        assert!(!verifying.verifies(b"message", &other));
    }
}
