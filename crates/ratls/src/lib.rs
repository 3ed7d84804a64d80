//! Attestation evidence: appraised in numbered steps, issued in X.509, bound to a connection.
