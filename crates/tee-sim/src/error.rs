//! Why a simulated platform could not be made.

/// Why a simulated platform could not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SimError {
    /// A file could not be read or written.
    #[error("a file of the simulated machine: {0}")]
    File(std::io::ErrorKind),
    /// A file does not hold what it should.
    #[error("a file of the simulated machine is damaged")]
    Damaged,
    /// A name that is not 1 to 64 letters, digits, `-` or `_`.
    #[error("a machine's name is 1 to 64 letters, digits, - or _")]
    Name,
    /// Key generation or signing failed, or a date is out of range.
    #[error("cryptography failed")]
    Crypto,
    /// The host's clock cannot be read.
    #[error("the host's clock cannot be read")]
    Clock,
}

impl From<std::io::Error> for SimError {
    fn from(error: std::io::Error) -> Self {
        Self::File(error.kind())
    }
}

impl From<rcgen::Error> for SimError {
    fn from(_: rcgen::Error) -> Self {
        Self::Crypto
    }
}

impl From<aws_lc_rs::error::Unspecified> for SimError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}
