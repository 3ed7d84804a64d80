//! Shares of this crate and of an independent implementation of the same field are the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;
use vault_shamir::{Share, combine, split};
use vsss_rs::Gf256;
use zeroize::Zeroizing;

struct System;

impl TryRng for System {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        aws_lc_rs::rand::fill(out).unwrap();
        Ok(())
    }
}

impl TryCryptoRng for System {}

const SHARINGS: [(u8, u8); 6] = [(2, 2), (2, 4), (3, 5), (5, 5), (7, 12), (128, 255)];

fn secret(len: usize) -> Vec<u8> {
    let mut secret = vec![0; len];
    aws_lc_rs::rand::fill(&mut secret).unwrap();
    secret
}

#[test]
fn the_other_implementation_combines_our_shares() {
    for (threshold, count) in SHARINGS {
        for len in [1, 31, 64, 257] {
            let secret = secret(len);
            // Coordinates in no order.
            let xs: Vec<u8> = (1..=count).map(|x| x.wrapping_mul(91).max(1)).collect();
            let mut fill = |out: &mut [u8]| aws_lc_rs::rand::fill(out).unwrap();
            let shares = split(&secret, threshold, &xs, &mut fill).unwrap();
            let theirs: Vec<Vec<u8>> = shares
                .iter()
                .map(|share| [&[share.x], share.y.as_slice()].concat())
                .collect();
            let some = theirs[usize::from(count - threshold)..].to_vec();
            assert_eq!(Gf256::combine_array(some).unwrap(), secret);
            assert_eq!(Gf256::combine_array(theirs).unwrap(), secret);
        }
    }
}

#[test]
fn we_combine_the_shares_of_the_other_implementation() {
    for (threshold, count) in SHARINGS {
        for len in [1, 31, 64, 257] {
            let secret = secret(len);
            let theirs =
                Gf256::split_array(threshold.into(), count.into(), &secret, System).unwrap();
            let ours: Vec<Share> = theirs
                .into_iter()
                .map(|share| Share {
                    x: share[0],
                    y: Zeroizing::new(share[1..].to_vec()),
                })
                .collect();
            let some = &ours[usize::from(count - threshold)..];
            assert_eq!(combine(some).unwrap().as_slice(), secret);
            assert_eq!(combine(&ours).unwrap().as_slice(), secret);
        }
    }
}
