//! TLS glue.
