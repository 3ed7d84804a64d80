//! Fewer shares than the threshold say nothing, and what the generator draws is used as drawn.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use vault_shamir::{Share, interpolate, split};

/// Chi-square over 256 classes has 255 degrees of freedom: mean 255, deviation 22.6. Above
/// this bound lies less than one run in 10^9; the faults looked for lie far above it.
const BOUND: f64 = 420.0;

fn chi_square(counts: &[u64]) -> f64 {
    let total: u64 = counts.iter().sum();
    let expected = total as f64 / counts.len() as f64;
    let square = |count: &u64| (*count as f64 - expected).powi(2) / expected;
    counts.iter().map(square).sum()
}

fn system(out: &mut [u8]) {
    aws_lc_rs::rand::fill(out).unwrap();
}

fn share_of_one_byte(secret: u8, coefficients: &[u8], x: u8) -> u8 {
    let mut drawn = coefficients.iter();
    let mut fill = |out: &mut [u8]| out[0] = *drawn.next().unwrap();
    let threshold = u8::try_from(coefficients.len() + 1).unwrap();
    let others = (1..=255).filter(|other| *other != x);
    let xs: Vec<u8> = [x]
        .into_iter()
        .chain(others.take(threshold.into()))
        .collect();
    let shares = split(&[secret], threshold, &xs, &mut fill).unwrap();
    shares[0].y[0]
}

#[test]
fn with_threshold_2_a_share_of_any_secret_is_uniform_over_all_coefficients() {
    for x in 1..=255u8 {
        // One split of 65,536 bytes: every secret with every coefficient.
        let secrets: Vec<u8> = (0..65_536u32).map(|index| (index >> 8) as u8).collect();
        let mut fill = |out: &mut [u8]| {
            let coefficients = (0..65_536u32).map(|index| index as u8);
            out.iter_mut().zip(coefficients).for_each(|(o, c)| *o = c);
        };
        let other = if x == 1 { 2 } else { 1 };
        let shares = split(&secrets, 2, &[x, other], &mut fill).unwrap();
        for (secret, values) in shares[0].y.chunks(256).enumerate() {
            let mut seen = [false; 256];
            for value in values {
                assert!(!seen[usize::from(*value)], "x {x}, secret {secret}");
                seen[usize::from(*value)] = true;
            }
        }
    }
}

#[test]
fn with_threshold_3_two_shares_of_any_secret_are_uniform_over_all_coefficients() {
    for (secret, x, other) in [(0, 1, 2), (0x53, 7, 200), (0xff, 255, 254)] {
        let mut seen = vec![false; 65_536];
        for high in 0..=255 {
            for low in 0..=255 {
                let mut drawn = [high, low].into_iter();
                let mut fill = |out: &mut [u8]| out[0] = drawn.next().unwrap();
                let shares = split(&[secret], 3, &[x, other, 99], &mut fill).unwrap();
                let pair = u16::from_be_bytes([shares[0].y[0], shares[1].y[0]]);
                assert!(!std::mem::replace(&mut seen[usize::from(pair)], true));
            }
        }
    }
}

#[test]
fn with_threshold_3_sampled_pairs_of_shares_do_not_depend_on_the_secret() {
    let mut counts = vec![[0u64; 256]; 2];
    let mut sums = [0u64; 256];
    for secret in [0u8, 255] {
        let secret = vec![secret; 1 << 18];
        let shares = split(&secret, 3, &[17, 3, 90], &mut system).unwrap();
        for (first, second) in shares[0].y.iter().zip(shares[1].y.iter()) {
            counts[0][usize::from(*first)] += 1;
            counts[1][usize::from(*second)] += 1;
            sums[usize::from(first ^ second)] += 1;
        }
    }
    for counts in counts.iter().chain([&sums]) {
        assert!(chi_square(counts) < BOUND, "{}", chi_square(counts));
    }
}

#[test]
fn the_bytes_drawn_are_the_coefficients_unmodified_zero_included() {
    let draws: [[u8; 5]; 2] = [[0, 0, 255, 1, 128], [7, 0, 0, 200, 255]];
    let secret = [9, 8, 7, 6, 5];
    let mut asked = Vec::new();
    let mut fill = |out: &mut [u8]| {
        out.copy_from_slice(&draws[asked.len()]);
        asked.push(out.len());
    };
    let shares = split(&secret, 3, &[1, 2, 3, 250], &mut fill).unwrap();
    assert_eq!(asked, [5, 5], "one draw for each coefficient and no other");
    let points: Vec<_> = shares.iter().map(|s| (s.x, s.y.as_slice())).collect();
    // Without its constant term and divided by x, what is left is c2 x + c1.
    for Share { x, y } in &shares {
        for at in 0..secret.len() {
            let high = times(draws[0][at], times(*x, *x));
            let low = times(draws[1][at], *x);
            assert_eq!(y[at], secret[at] ^ low ^ high);
        }
    }
    assert_eq!(interpolate(&points[1..], 0).unwrap().as_slice(), secret);
}

/// Long multiplication, independent of the crate.
fn times(a: u8, b: u8) -> u8 {
    let mut product = 0u16;
    for bit in 0..8 {
        if b & (1 << bit) != 0 {
            product ^= u16::from(a) << bit;
        }
    }
    for degree in (8..15).rev() {
        if product & (1 << degree) != 0 {
            product ^= 0x11b << (degree - 8);
        }
    }
    u8::try_from(product).unwrap()
}

#[test]
fn coefficients_made_with_the_systems_generator_are_uniform_including_zero() {
    let secret = vec![0x42u8; 1 << 18];
    let shares = split(&secret, 3, &[1, 2, 3], &mut system).unwrap();
    let points: Vec<_> = shares.iter().map(|s| (s.x, s.y.as_slice())).collect();
    // With the values at 0, 1, 2 and 3: y(1)^y(2)^y(3)^y(0) = 0, so two of them tell both
    // coefficients. c2 = (y(2)^y(0) ^ 2 (y(1)^y(0))) / 6, c1 = y(1)^y(0) ^ c2.
    let sixth = (1..=255).find(|inverse| times(6, *inverse) == 1).unwrap();
    let (mut leading, mut linear) = ([0u64; 256], [0u64; 256]);
    for (at, byte) in secret.iter().enumerate() {
        let one = points[0].1[at] ^ byte;
        let two = points[1].1[at] ^ byte;
        let high = times(two ^ times(2, one), sixth);
        leading[usize::from(high)] += 1;
        linear[usize::from(one ^ high)] += 1;
    }
    for counts in [leading, linear] {
        assert!(counts[0] > 0, "zero is a coefficient");
        assert!(chi_square(&counts) < BOUND, "{}", chi_square(&counts));
    }
}

#[test]
fn the_chi_square_finds_a_generator_of_odd_bytes_and_one_without_zero() {
    let mut odd = [0u64; 256];
    let mut nonzero = [0u64; 256];
    let mut bytes = vec![0; 1 << 18];
    system(&mut bytes);
    for byte in bytes {
        odd[usize::from(byte | 1)] += 1;
        nonzero[usize::from(byte.max(1))] += 1;
    }
    assert!(chi_square(&odd) > BOUND);
    assert!(chi_square(&nonzero) > BOUND);
}

#[test]
fn a_leading_coefficient_of_zero_gives_a_constant_share_and_is_not_avoided() {
    for x in [1, 2, 255] {
        assert_eq!(share_of_one_byte(0xa7, &[0], x), 0xa7);
        assert_eq!(share_of_one_byte(0xa7, &[0, 0, 0], x), 0xa7);
    }
}
