//! The platform below a vault: quotes, sealing root, host time.
