//! What is not split and not combined.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use vault_shamir::{ShamirError, Share, combine, interpolate, split};
use zeroize::Zeroizing;

fn system(out: &mut [u8]) {
    aws_lc_rs::rand::fill(out).unwrap();
}

fn split_error(secret: &[u8], threshold: u8, xs: &[u8]) -> ShamirError {
    let mut fill = |_: &mut [u8]| panic!("nothing is drawn for what is refused");
    split(secret, threshold, xs, &mut fill).err().unwrap()
}

fn share(x: u8, y: &[u8]) -> Share {
    let y = Zeroizing::new(y.to_vec());
    Share { x, y }
}

#[test]
fn thresholds_below_two_and_above_the_number_of_shares_are_refused() {
    for (threshold, xs) in [(0, &[1, 2][..]), (1, &[1, 2]), (3, &[1, 2]), (2, &[])] {
        assert_eq!(split_error(b"s", threshold, xs), ShamirError::Threshold);
    }
    assert!(split(b"s", 2, &[1, 2], &mut system).is_ok());
}

#[test]
fn a_share_at_zero_is_refused() {
    assert_eq!(split_error(b"s", 2, &[1, 0, 2]), ShamirError::ZeroX);
    let refused = combine(&[share(1, b"a"), share(0, b"b")]);
    assert_eq!(refused.err(), Some(ShamirError::ZeroX));
}

#[test]
fn two_shares_of_one_coordinate_are_refused() {
    assert_eq!(split_error(b"s", 2, &[1, 2, 1]), ShamirError::DuplicateX);
    for y in [b"a", b"b"] {
        let refused = combine(&[share(9, b"a"), share(4, b"c"), share(9, y)]);
        assert_eq!(refused.err(), Some(ShamirError::DuplicateX));
    }
}

#[test]
fn nothing_to_share_and_shares_of_different_lengths_are_refused() {
    assert_eq!(split_error(b"", 2, &[1, 2]), ShamirError::Length);
    let empty = combine(&[share(1, b""), share(2, b"")]);
    assert_eq!(empty.err(), Some(ShamirError::Length));
    let mixed = combine(&[share(1, b"ab"), share(2, b"a")]);
    assert_eq!(mixed.err(), Some(ShamirError::Length));
}

#[test]
fn fewer_than_two_shares_are_refused() {
    assert_eq!(combine(&[]).err(), Some(ShamirError::TooFew));
    let one = combine(&[share(1, b"a")]);
    assert_eq!(one.err(), Some(ShamirError::TooFew));
}

#[test]
fn every_choice_of_enough_shares_gives_the_secret_and_fewer_give_something_else() {
    let mut secret = vec![0; 40];
    system(&mut secret);
    for threshold in 2..=5u8 {
        let shares = split(&secret, threshold, &[5, 250, 3, 77, 128], &mut system).unwrap();
        let points: Vec<_> = shares.iter().map(|s| (s.x, s.y.as_slice())).collect();
        for chosen in 0..32u32 {
            let some: Vec<_> = (0..5)
                .filter(|i| chosen & (1 << i) != 0)
                .map(|i| points[i])
                .collect();
            match interpolate(&some, 0) {
                Ok(found) => assert_eq!(
                    found.as_slice() == secret,
                    some.len() >= usize::from(threshold)
                ),
                Err(error) => {
                    assert_eq!(error, ShamirError::TooFew);
                    assert!(some.len() < 2);
                }
            }
        }
    }
}

#[test]
fn a_missing_share_is_interpolated_at_its_coordinate() {
    let secret = b"a secret of some bytes";
    let shares = split(secret, 3, &[1, 9, 200, 33], &mut system).unwrap();
    let points: Vec<_> = shares.iter().map(|s| (s.x, s.y.as_slice())).collect();
    let lost = interpolate(&points[..3], 33).unwrap();
    assert_eq!(lost.as_slice(), points[3].1);
    let present = interpolate(&points[..3], 9).unwrap();
    assert_eq!(present.as_slice(), points[1].1);
}
