//! What one core makes of the bare operation: by `openssl speed`, and by the library in this
//! process.

use super::{Plan, usage};
use anyhow::{Context, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, UnparsedPublicKey,
};
use std::process::Command;
use std::time::{Duration, Instant};

/// Operations per second of one core.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yardstick {
    /// What it is called in the report.
    pub(super) name: &'static str,
    /// The bare operation, as everybody measures it.
    pub(super) bare: f64,
    /// What a vault cannot do without: for signatures, the library's with its verification.
    pub(super) limit: f64,
}

/// One round of them.
pub(super) struct Yardsticks {
    pub(super) all: [(&'static str, Yardstick); 4],
}

impl Yardsticks {
    pub(super) fn measure(plan: Plan) -> Result<Self> {
        let span = plan.span.min(Duration::from_millis(400));
        let p256 = Yardstick {
            name: "openssl speed ecdsap256",
            bare: openssl("ecdsap256", "+F4:", 3)?,
            limit: p256(span)?,
        };
        let ed25519 = Yardstick {
            name: "openssl speed ed25519",
            bare: openssl("ed25519", "+F6:", 4)?,
            limit: ed25519(span)?,
        };
        let mac = same("aws-lc hmac-sha256, 64 bytes", hmac_sha256(span)?);
        let aead = same("aws-lc aes-256-gcm, 4 KiB", aes_gcm(span)?);
        Ok(Self {
            all: [
                ("p256", p256),
                ("ed25519", ed25519),
                ("hmac", mac),
                ("wrap", aead),
            ],
        })
    }

    /// That of an operation; `None` where there is nothing to compare with.
    pub(super) fn of(&self, operation: &str) -> Option<Yardstick> {
        let operation = if operation == "unwrap" {
            "wrap"
        } else {
            operation
        };
        let found = self.all.iter().find(|(name, _)| *name == operation);
        found.map(|(_, yardstick)| *yardstick)
    }
}

fn same(name: &'static str, rate: f64) -> Yardstick {
    Yardstick {
        name,
        bare: rate,
        limit: rate,
    }
}

/// Signatures per second by `openssl speed -mr`, whose lines are `+F4:…:256:per signature:…`.
fn openssl(algorithm: &str, prefix: &str, field: usize) -> Result<f64> {
    let output = Command::new("openssl")
        .args(["speed", "-seconds", "1", "-mr", algorithm])
        .output()
        .context("cannot start openssl; apt-get install openssl")?;
    let said = String::from_utf8(output.stdout)?;
    let line = said.lines().find(|line| line.starts_with(prefix));
    let line = line.with_context(|| format!("no result of openssl speed {algorithm}"))?;
    let figure: f64 = line
        .split(':')
        .nth(field)
        .context("no figure")?
        .trim()
        .parse()?;
    // Some versions give seconds per signature, some signatures per second.
    Ok(if figure < 1.0 { 1.0 / figure } else { figure })
}

/// Calls of `work` per second of this thread's time on a processor.
fn rate(span: Duration, mut work: impl FnMut()) -> Result<f64> {
    let (begun, cpu, mut count) = (Instant::now(), usage::own_thread()?, 0u32);
    while begun.elapsed() < span {
        for _ in 0..16 {
            work();
        }
        count += 16;
    }
    Ok(f64::from(count) / usage::own_thread()?.saturating_sub(cpu).as_secs_f64())
}

fn p256(span: Duration) -> Result<f64> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let public =
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref().to_vec());
    let rng = SystemRandom::new();
    rate(span, || {
        let signed = key
            .sign(&rng, b"bench")
            .map(|signature| signature.as_ref().to_vec());
        let verified = signed.is_ok_and(|signature| public.verify(b"bench", &signature).is_ok());
        std::hint::black_box(verified);
    })
}

fn ed25519(span: Duration) -> Result<f64> {
    let key = Ed25519KeyPair::generate()?;
    let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref().to_vec());
    rate(span, || {
        let signature = key.sign(b"bench");
        std::hint::black_box(public.verify(b"bench", signature.as_ref()).is_ok());
    })
}

fn hmac_sha256(span: Duration) -> Result<f64> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    rate(span, || {
        std::hint::black_box(hmac::sign(&key, &[1; 64]));
    })
}

fn aes_gcm(span: Duration) -> Result<f64> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32])?);
    let mut buffer = vec![0; 4096];
    rate(span, || {
        let nonce = Nonce::assume_unique_for_key([3; 12]);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut buffer);
        std::hint::black_box(tag.is_ok());
    })
}
