//! What self-verification costs: medians of one core, and their ratios. Prints; asserts nothing.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark reads the clock"
)]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, ParsedPublicKey,
};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 21;
const CALLS: u32 = 400;

fn main() {
    let digest = digest(&SHA256, b"message");
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key().as_ref()).unwrap();
    let signature = pair.sign_digest(&digest).unwrap();
    let sign = median(|| {
        let _ = black_box(pair.sign_digest(&digest));
    });
    let verify = median(|| {
        public
            .verify_digest_sig(&digest, signature.as_ref())
            .unwrap()
    });
    report("P-256", sign, verify);

    let message = [7; 32];
    let pair = Ed25519KeyPair::generate().unwrap();
    let public = ParsedPublicKey::new(&ED25519, pair.public_key().as_ref()).unwrap();
    let signature = pair.sign(&message);
    let sign = median(|| {
        let _ = black_box(pair.try_sign(&message));
    });
    let verify = median(|| public.verify_sig(&message, signature.as_ref()).unwrap());
    report("Ed25519", sign, verify);
}

fn report(name: &str, sign: f64, verify: f64) {
    let share = sign / (sign + verify);
    println!(
        "{name}: sign {sign:.1} us, verify {verify:.1} us, verify/sign {:.2}, \
         signing rate with self-verification {:.0} % of without",
        verify / sign,
        share * 100.0
    );
}

fn median(mut call: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.swap_remove(ROUNDS / 2)
}
