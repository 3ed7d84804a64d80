//! Sealed groups of log records on an untrusted disk.
