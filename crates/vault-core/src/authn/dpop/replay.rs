//! A proof is taken once.

use super::{ProofError, VerifiedProof};
use std::collections::{BTreeSet, VecDeque};
use vault_encoding::Hash;

/// Proofs of one connection that are remembered; the oldest is forgotten first. Nonces are of one
/// connection, so that whoever could send a forgotten proof again is the client that made it.
const MOST: usize = 1024;

/// The proofs that one connection has used.
#[derive(Default)]
pub struct Replays {
    seen: BTreeSet<Hash>,
    order: VecDeque<Hash>,
}

/// A proof that was not used before on its connection.
#[derive(Debug)]
pub struct FreshProof(VerifiedProof);

impl Replays {
    /// Takes a proof, unless it was taken before.
    pub fn admit(&mut self, proof: VerifiedProof) -> Result<FreshProof, ProofError> {
        if !self.seen.insert(proof.id) {
            return Err(ProofError::Replayed);
        }
        self.order.push_back(proof.id);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        Ok(FreshProof(proof))
    }
}

impl FreshProof {
    /// Of the key that made it (RFC 7638).
    pub(crate) fn thumbprint(&self) -> &Hash {
        &self.0.thumbprint
    }

    /// SHA-256 of the token that it was made for.
    pub(crate) fn token(&self) -> &Hash {
        &self.0.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha256;

    fn proof(number: usize) -> VerifiedProof {
        VerifiedProof {
            thumbprint: Hash([1; 32]),
            token: Hash([2; 32]),
            id: sha256(&number.to_be_bytes()),
        }
    }

    #[test]
    fn a_proof_is_taken_once_and_memory_is_bounded() {
        let mut replays = Replays::default();
        for number in 0..MOST {
            replays.admit(proof(number)).unwrap();
        }
        for number in 0..MOST {
            assert_eq!(
                replays.admit(proof(number)).unwrap_err(),
                ProofError::Replayed
            );
        }
        replays.admit(proof(MOST)).unwrap();
        assert_eq!(replays.seen.len(), MOST);
        assert_eq!(replays.order.len(), MOST);
        assert_eq!(
            replays.admit(proof(MOST)).unwrap_err(),
            ProofError::Replayed
        );
        assert!(replays.admit(proof(0)).is_ok(), "the oldest is forgotten");
    }
}
