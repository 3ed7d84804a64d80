//! Getting a secret back.

use crate::error::ShamirError;
use crate::field;
use crate::share::{Share, check_coordinates};
use zeroize::Zeroizing;

/// The secret that these shares hold. Takes exactly the shares given: with fewer than the
/// threshold, or a wrong one among them, the result is wrong bytes and no error.
pub fn combine(shares: &[Share]) -> Result<Zeroizing<Vec<u8>>, ShamirError> {
    let refs: Vec<_> = shares.iter().map(|share| (share.x, &share.y[..])).collect();
    interpolate(&refs, 0)
}

/// The values at `at` of the polynomials of least degree through these points, given as
/// coordinate and values.
pub fn interpolate(points: &[(u8, &[u8])], at: u8) -> Result<Zeroizing<Vec<u8>>, ShamirError> {
    let [(_, first), _, ..] = points else {
        return Err(ShamirError::TooFew);
    };
    let len = first.len();
    if len == 0 || points.iter().any(|(_, y)| y.len() != len) {
        return Err(ShamirError::Length);
    }
    check_coordinates(points.iter().map(|(x, _)| *x))?;
    let mut sum = Zeroizing::new(vec![0; len]);
    for (x, y) in points {
        let others = points.iter().map(|(other, _)| *other).filter(|o| o != x);
        field::add_scaled(&mut sum, lagrange(*x, others, at), y);
    }
    Ok(sum)
}

/// The weight of the point at `x`; coordinates only, nothing secret.
fn lagrange(x: u8, others: impl Iterator<Item = u8>, at: u8) -> u8 {
    let (mut above, mut below) = (1, 1);
    for other in others {
        above = field::mul(above, at ^ other);
        below = field::mul(below, x ^ other);
    }
    field::mul(above, field::inverse(below))
}
