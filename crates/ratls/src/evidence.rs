//! What a prover sends.

/// A quote, and the collateral that is needed to verify it offline. Unverified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// A DCAP quote: SGX of version 3, or TDX of version 4 or 5.
    pub quote: Vec<u8>,
    /// JSON of `QuoteCollateralV3` of the crate `dcap-qvl`, byte strings in hex.
    pub collateral: Vec<u8>,
}

/// Longest quote that is read.
pub const MAX_QUOTE: usize = 16 * 1024;
/// Longest collateral that is read.
pub const MAX_COLLATERAL: usize = 256 * 1024;
