//! Sharing a secret.

use crate::error::ShamirError;
use crate::field;
use crate::share::{Share, check_coordinates};
use zeroize::Zeroizing;

/// With a threshold of one, every share would be the secret.
pub const MIN_THRESHOLD: u8 = 2;

/// Shares `secret` so that any `threshold` of the shares at `xs` give it back.
///
/// `fill` must fill what it is given with uniform random bytes. It is called once for each
/// coefficient, from the highest to that of x, each time for as many bytes as the secret has,
/// and what it draws is used as it is: zero is as likely as any other coefficient, the leading
/// one included.
pub fn split(
    secret: &[u8],
    threshold: u8,
    xs: &[u8],
    fill: &mut dyn FnMut(&mut [u8]),
) -> Result<Vec<Share>, ShamirError> {
    if threshold < MIN_THRESHOLD || usize::from(threshold) > xs.len() {
        return Err(ShamirError::Threshold);
    }
    check_coordinates(xs.iter().copied())?;
    if secret.is_empty() {
        return Err(ShamirError::Length);
    }
    let mut shares: Vec<Share> = xs.iter().map(|&x| empty(x, secret.len())).collect();
    let mut coefficient = Zeroizing::new(vec![0; secret.len()]);
    for _ in 1..threshold {
        fill(&mut coefficient);
        horner_step(&mut shares, &coefficient);
    }
    horner_step(&mut shares, secret);
    Ok(shares)
}

fn empty(x: u8, len: usize) -> Share {
    let y = Zeroizing::new(vec![0; len]);
    Share { x, y }
}

fn horner_step(shares: &mut [Share], coefficient: &[u8]) {
    for share in shares {
        field::scale_add(&mut share.y, share.x, coefficient);
    }
}
