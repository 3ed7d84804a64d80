//! Who calls: proofs made from tokens, and the keys of issuers that they verify under.
//!
//! A token becomes a [`token::TokenProof`] in two steps: [`token::verify_token`] says what the
//! issuer has signed, and [`token::VerifiedToken`] whether this sender may use it on this call.

pub mod dpop;
pub mod jwks;
pub mod token;

#[cfg(test)]
mod name_tests;
#[cfg(test)]
mod sender_tests;
#[cfg(test)]
mod token_testing;
