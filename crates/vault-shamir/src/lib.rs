//! Shamir's secret sharing over GF(2^8) with the polynomial 0x11b, in constant time.
//!
//! Pure: the caller brings the randomness and does everything else. Each byte of the secret is
//! the constant term of a polynomial of its own, of degree `threshold - 1`; its other
//! coefficients are the bytes that the caller's generator drew, unmodified, so that fewer than
//! `threshold` shares say nothing about the secret. A share is not authenticated here: with a
//! wrong one [`combine`] returns wrong bytes.
//!
//! There are no tables, and nothing branches on or indexes by a byte of secret, share or
//! coefficient. The x-coordinates are public.
//!
//! ```
//! # fn main() -> Result<(), vault_shamir::ShamirError> {
//! let mut fill = |out: &mut [u8]| out.fill(7); // A cryptographic generator.
//! let shares = vault_shamir::split(b"secret", 2, &[1, 200, 31], &mut fill)?;
//! let secret = vault_shamir::combine(&shares[1..])?;
//! assert_eq!(secret.as_slice(), b"secret");
//! # Ok(())
//! # }
//! ```

mod combine;
mod error;
mod field;
mod share;
mod split;

pub use combine::{combine, interpolate};
pub use error::ShamirError;
pub use share::Share;
pub use split::{MIN_THRESHOLD, split};
