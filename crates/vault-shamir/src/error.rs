//! What can be wrong with the arguments.

use thiserror::Error;

/// Why nothing was split or combined.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ShamirError {
    /// The threshold is below 2, or above the number of shares.
    #[error("the threshold must be at least 2 and at most the number of shares")]
    Threshold,
    /// The share at x = 0 would be the secret itself.
    #[error("no share may have x = 0")]
    ZeroX,
    /// Two shares of the same x-coordinate.
    #[error("the x-coordinates must be distinct")]
    DuplicateX,
    /// No bytes, or shares of different lengths.
    #[error("secret and shares must be of one length, and not empty")]
    Length,
    /// Fewer than two shares.
    #[error("fewer than two shares")]
    TooFew,
}
