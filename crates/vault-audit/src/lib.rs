//! Audit entries, the Merkle log, signed checkpoints, proofs and their verification.
