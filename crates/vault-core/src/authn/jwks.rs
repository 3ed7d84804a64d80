//! The keys of an issuer (RFC 7517).
