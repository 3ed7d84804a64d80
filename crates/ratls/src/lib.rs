//! Attestation evidence: appraised in numbered steps, issued in X.509, bound to a connection.
//!
//! Verification is offline: `now` is an argument and collateral travels with the evidence. The
//! caller must choose a [`TrustRoot`] and must compare the claims that it gets back with what it
//! wanted; a quote that verifies says only that some genuine platform made it.

pub mod preamble;
pub mod tls;
