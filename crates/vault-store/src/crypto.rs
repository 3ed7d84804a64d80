//! Keys from keys, and AES-256-GCM.
