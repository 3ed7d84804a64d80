//! Typed keys, their operations, and nothing that can print them.
