//! Tokens and messages that a running vault must refuse, through real sockets, each beside one
//! that it takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod server_wire;

use aws_lc_rs::hmac;
use serde_json::Value;
use server_wire::{WHO_AM_I, Wire, attested, vault};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vault_encoding::text::base64url;
use vault_proto::v1::ErrorCode;
use vault_test::issuer::{Algorithm, Client, Issuer, IssuerConfig, SigningKey, sign};

const GET_INFO: &str = "/enclavevaults.v1.VaultService/GetInfo";

/// What is wrong, the method, whether the caller is known, the message, its code, its twin.
type Row = (
    &'static str,
    &'static str,
    bool,
    Vec<u8>,
    ErrorCode,
    Vec<u8>,
);

async fn issuer() -> Issuer {
    let mut config = IssuerConfig::new(vec![Client::new("alice", "s", &["vault:owner"])]);
    config.token_seconds = 3600;
    Issuer::start(config).await.unwrap()
}

fn header(key: &SigningKey) -> String {
    let (alg, kid) = (key.algorithm().name(), key.kid());
    format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}"#)
}

fn with(claims: &Value, name: &str, value: Value) -> String {
    let mut claims = claims.clone();
    claims[name] = value;
    claims.to_string()
}

fn without(claims: &Value, name: &str) -> String {
    let mut claims = claims.clone();
    claims.as_object_mut().unwrap().remove(name);
    claims.to_string()
}

/// Header and claims under an HMAC whose secret is the issuer's public key.
fn tagged(alg: &str, claims: &str, key: &SigningKey) -> String {
    let header = format!(r#"{{"alg":"{alg}","kid":"{}","typ":"at+jwt"}}"#, key.kid());
    let signed = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(claims.as_bytes())
    );
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &key.public_bytes());
    let tag = hmac::sign(&secret, signed.as_bytes());
    format!("{signed}.{}", base64url(tag.as_ref()))
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_refused_with_their_reason_and_their_twins_are_taken() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, addr) = vault(dir.path(), &issuer, |text| text);
    let wire = Wire::connect(dir.path(), &addr).await;
    let good = issuer.claims("alice").unwrap();
    let exp = good["exp"].as_u64().unwrap();
    for algorithm in Algorithm::ALL {
        issuer.rotate(algorithm).unwrap();
        let key = issuer.current_key();
        let head = header(&key);
        let signed = |claims: &str| sign(&head, claims, &key);
        let text = good.to_string();
        let taken = wire.who(&signed(&text)).await.unwrap();
        assert_eq!(taken.subject, "alice");
        assert_eq!(taken.issuer, issuer.url());
        assert_eq!(taken.roles, ["vault:owner"]);
        let name = algorithm.name();
        let none = head.replace(name, "none");
        let unsigned = sign(&none, &text, &key);
        let stripped = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
        let duplicate = text.replacen('{', r#"{"sub":"mallory","#, 1);
        let other = SigningKey::generate(algorithm).unwrap();
        let rows = [
            (unsigned, "algorithm_not_allowed"),
            (stripped, "algorithm_not_allowed"),
            (tagged("HS256", &text, &key), "algorithm_not_allowed"),
            (tagged(name, &text, &key), "bad_signature"),
            (sign(&head, &text, &other), "bad_signature"),
            (sign(&header(&other), &text, &other), "unknown_key"),
            (
                sign(&head.replace("at+jwt", "JWT"), &text, &key),
                "type_not_allowed",
            ),
            (
                sign(&head.replace(r#","typ":"at+jwt""#, ""), &text, &key),
                "type_not_allowed",
            ),
            (
                sign(
                    &head.replacen('{', r#"{"jku":"https://evil.test","#, 1),
                    &text,
                    &key,
                ),
                "header_not_allowed",
            ),
            (
                signed(&with(&good, "iss", "https://evil.test".into())),
                "unknown_issuer",
            ),
            (
                signed(&with(&good, "aud", "https://other.test".into())),
                "wrong_audience",
            ),
            (signed(&without(&good, "exp")), "claim_missing exp"),
            (
                signed(&with(&good, "exp", exp.to_string().into())),
                "claim_type exp",
            ),
            (
                signed(&with(&good, "exp", "never".into())),
                "claim_type exp",
            ),
            (
                signed(&text.replace(&format!("\"exp\":{exp}"), "\"exp\":1e400")),
                "claim_type exp",
            ),
            (signed(&without(&good, "sub")), "claim_missing sub"),
            (signed(&without(&good, "iat")), "claim_missing iat"),
            (signed(&duplicate), "duplicate_name"),
            (signed("[]"), "claims_malformed"),
            ("garbage".into(), "not_compact"),
        ];
        for (token, reason) in rows {
            let refused = wire.reason(&token).await;
            assert_eq!(
                refused,
                (ErrorCode::ERROR_CODE_UNAUTHENTICATED, reason.into()),
                "{name}"
            );
        }
        let old = wire.reason(&signed(&with(&good, "exp", 1.into()))).await;
        assert_eq!(old, (ErrorCode::ERROR_CODE_TOKEN_EXPIRED, "expired".into()));
        let later = with(&good, "exp", (exp + 1).into());
        assert!(wire.who(&signed(&later)).await.is_ok());
    }
    let nobody = wire.call(WHO_AM_I, None, Vec::new()).await.unwrap_err();
    assert_eq!(nobody.code, ErrorCode::ERROR_CODE_UNAUTHENTICATED);
    assert!(wire.call(GET_INFO, None, Vec::new()).await.is_ok());
    vault.kill().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_key_is_refused_within_its_age_and_the_others_are_not() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let short = |text: String| text.replace("grants =", "max_key_age = 2\ngrants =");
    let (mut vault, addr) = vault(dir.path(), &issuer, short);
    let wire = Wire::connect(dir.path(), &addr).await;
    let old = issuer.token("alice").unwrap();
    let old_kid = issuer.current_key().kid().to_owned();
    assert!(wire.who(&old).await.is_ok());
    issuer.rotate(Algorithm::EdDsa).unwrap();
    let new = issuer.token("alice").unwrap();
    assert!(wire.who(&new).await.is_ok(), "an unknown key is looked for");
    assert!(
        wire.who(&old).await.is_ok(),
        "a key that is still published"
    );
    assert!(issuer.drop_key(&old_kid));
    let deadline = Instant::now() + Duration::from_secs(60);
    while wire.who(&old).await.is_ok() {
        assert!(Instant::now() < deadline, "the dropped key is still taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(wire.reason(&old).await.1, "unknown_key");
    assert!(wire.who(&new).await.is_ok());
    vault.kill().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_and_malformed_messages_are_refused_and_the_vault_stays_up() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, addr) = vault(dir.path(), &issuer, |text| text);
    let wire = Wire::connect(dir.path(), &addr).await;
    let token = format!("Bearer {}", issuer.token("alice").unwrap());
    // A member that nobody knows, of this length with its tag.
    let padded = |length: usize| {
        let mut body = vec![0xfa, 0x07];
        let mut left = length - 5;
        for _ in 0..2 {
            body.push((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        body.push(left as u8);
        body.resize(length, 0);
        body
    };
    let groups = |depth: usize| {
        let mut body = [0xfb, 0x07].repeat(depth);
        body.extend([0xfc, 0x07].repeat(depth));
        body
    };
    let invalid = ErrorCode::ERROR_CODE_INVALID_ARGUMENT;
    let too_large = ErrorCode::ERROR_CODE_TOO_LARGE;
    let truncated = |body: Vec<u8>| body[..body.len() - 1].to_vec();
    let context = vec![0x0a, 0x02, 0x20, 0x01];
    let rows: Vec<Row> = vec![
        (
            "65,537 bytes of a stranger",
            GET_INFO,
            false,
            padded(65_537),
            too_large,
            padded(65_536),
        ),
        (
            "a byte over a MiB",
            WHO_AM_I,
            true,
            padded((1 << 20) + 1),
            too_large,
            padded(1 << 20),
        ),
        (
            "truncated",
            WHO_AM_I,
            true,
            truncated(context.clone()),
            invalid,
            context.clone(),
        ),
        (
            "a length beyond the end",
            WHO_AM_I,
            true,
            vec![0x0a, 0x7f],
            invalid,
            vec![0x0a, 0x00],
        ),
        (
            "an endless varint",
            WHO_AM_I,
            true,
            vec![0xff; 32],
            invalid,
            vec![],
        ),
        (
            "field number 0",
            WHO_AM_I,
            true,
            vec![0x02, 0x00],
            invalid,
            vec![],
        ),
        (
            "not UTF-8",
            WHO_AM_I,
            true,
            vec![0x0a, 3, 0x0a, 1, 0xff],
            invalid,
            vec![0x0a, 3, 0x0a, 1, b'a'],
        ),
        (
            "an open group",
            WHO_AM_I,
            true,
            vec![0xfb, 0x07],
            invalid,
            groups(1),
        ),
        (
            "groups 20,000 deep",
            WHO_AM_I,
            true,
            groups(20_000),
            invalid,
            groups(8),
        ),
        (
            "an approval with a nonce of 1 byte",
            WHO_AM_I,
            true,
            vec![0x0a, 5, 0x2a, 3, 0x0a, 1, 0],
            invalid,
            context.clone(),
        ),
        (
            "a head of 3 bytes",
            WHO_AM_I,
            true,
            vec![0x0a, 7, 0x12, 5, 0x0a, 3, 1, 2, 3],
            invalid,
            vec![],
        ),
        (
            "no such method",
            "/enclavevaults.v1.VaultService/Nothing",
            true,
            vec![],
            invalid,
            vec![],
        ),
        (
            "no such key type",
            "/enclavevaults.v1.KeyService/CreateKey",
            true,
            vec![0x18, 0x63],
            invalid,
            vec![],
        ),
    ];
    for (what, path, known, body, code, twin) in rows {
        let authorization = known.then_some(token.as_str());
        let refused = wire.call(path, authorization, body).await.unwrap_err();
        assert_eq!(refused.code, code, "{what}: {}", refused.message);
        let twin_path = if known { WHO_AM_I } else { path };
        let taken = wire.call(twin_path, authorization, twin).await;
        assert!(taken.is_ok(), "twin of {what}: {taken:?}");
    }
    noise_behind_the_preamble(dir.path(), &addr).await;
    let before = resident_kib(vault.id().unwrap());
    flood(&wire, &token).await;
    let grown = resident_kib(vault.id().unwrap()).saturating_sub(before);
    assert!(grown < 400 << 10, "{grown} KiB");
    assert!(wire.call(WHO_AM_I, Some(&token), vec![]).await.is_ok());
    vault.kill().unwrap();
}

/// Bytes that are no HTTP/2 end their own connection and nothing else.
async fn noise_behind_the_preamble(dir: &std::path::Path, addr: &str) {
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 4096], &[0xff; 4096]] {
        let mut stream = attested(dir, addr).await;
        stream.write_all(noise).await.unwrap();
        let mut rest = Vec::new();
        // Cut with or without a farewell: both end the read.
        let _ = stream.read_to_end(&mut rest).await;
    }
}

/// A thousand requests of a MiB, each refused or answered, many at once.
async fn flood(wire: &Wire, token: &str) {
    let mut body = vec![0xff; 1 << 20];
    body[0] = 0x0a;
    for _ in 0..20 {
        let calls = (0..50).map(|_| wire.call(WHO_AM_I, Some(token), body.clone()));
        for result in futures(calls).await {
            assert!(result.is_err());
        }
    }
}

async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (future, output) in &mut pending {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pending
        .into_iter()
        .map(|(_, output)| output.unwrap())
        .collect()
}

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
