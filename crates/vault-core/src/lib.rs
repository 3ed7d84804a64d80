//! The vault as a deterministic state machine: authenticate, permit, operate, record.
