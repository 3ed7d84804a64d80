//! Shows 3.
