//! Who calls: proofs made from tokens, and the keys of issuers that they verify under.

pub mod jwks;
pub mod token;

#[cfg(test)]
mod token_testing;
