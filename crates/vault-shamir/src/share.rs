//! One share.

use crate::error::ShamirError;
use zeroize::Zeroizing;

/// The values of the polynomials at one x-coordinate, one byte for each byte of the secret.
/// Wiped when dropped, and not printable.
pub struct Share {
    /// The coordinate; not zero, and public.
    pub x: u8,
    /// The values.
    pub y: Zeroizing<Vec<u8>>,
}

/// Whether these coordinates can carry shares: not zero, distinct.
pub(crate) fn check_coordinates(xs: impl Iterator<Item = u8>) -> Result<(), ShamirError> {
    let mut seen = [false; 256];
    for x in xs {
        if x == 0 {
            return Err(ShamirError::ZeroX);
        }
        match seen.get_mut(usize::from(x)) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(ShamirError::DuplicateX),
        }
    }
    Ok(())
}
