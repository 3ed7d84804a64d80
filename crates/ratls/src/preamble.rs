//! The attestation preamble of a connection.
