//! What is known of a connection once its preamble has passed.

use crate::{Claims, Floors};
use std::collections::BTreeSet;
use vault_encoding::Hash;
use vault_policy::{UnixSeconds, VaultId, VerifiedEvidence};

/// What a server knows of an attested connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionFacts {
    /// Counts the connections of one endpoint.
    pub connection_id: u64,
    /// Evidence of the calling enclave, if it gave any: verified, and not yet judged. Whether
    /// this build on this machine may do anything is for the key's policy to say.
    pub caller: Option<VerifiedEvidence>,
    /// The floors that callers' collateral was held to, raised by this caller's. To be kept and
    /// given to `ServerEndpoint::set_callers`.
    pub floors: Option<Floors>,
    /// The client certificate whose key the client proved to hold, if it showed one.
    pub client_certificate: Option<ClientCertificate>,
    /// When the preamble ended, by the configured time.
    pub established_at: UnixSeconds,
}

/// A client certificate. Proves possession of its key; what it says is worth as much as those who
/// vouch for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientCertificate {
    /// SHA-256 of the certificate (RFC 8705: `x5t#S256`).
    pub hash: Hash,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki_hash: Hash,
    /// Its subject alternative names: `dns:…`, `uri:…`, `email:…`, `ip:…`.
    pub sans: BTreeSet<String>,
    /// SHA-256 of the SubjectPublicKeyInfo of each authority that was presented with it and vouches
    /// for it, when the connection was made.
    pub issuers: BTreeSet<Hash>,
}

/// What a client knows of the vault at the other end of an attested connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerFacts {
    /// Follows from the identity key in the claims.
    pub vault_id: VaultId,
    /// What the vault says of itself; its quotes commit to it.
    pub claims: Claims,
    /// What its platform says of it.
    pub evidence: VerifiedEvidence,
    /// The floors that its collateral was held to, raised by it. To be kept for the next time.
    pub floors: Floors,
    /// When the preamble ended, by the configured time.
    pub established_at: UnixSeconds,
}

/// A stream behind its preamble, and what the preamble proved.
#[derive(Debug)]
pub struct Attested<S, F> {
    /// The TLS stream; HTTP/2 comes next on it.
    pub stream: S,
    /// Who is at the other end.
    pub facts: F,
}

/// Whether a connection made at `established_at` has lived for `max_age` seconds and is to be
/// closed and attested anew. A clock that stepped back ends it too.
pub fn is_overdue(established_at: UnixSeconds, now: UnixSeconds, max_age: u64) -> bool {
    now.0
        .checked_sub(established_at.0)
        .is_none_or(|age| age >= max_age)
}

/// The longest that a connection should live, in seconds.
pub const MAX_CONNECTION_AGE: u64 = 3600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_overdue_at_its_age_and_when_the_clock_steps_back() {
        let at = UnixSeconds;
        assert!(!is_overdue(at(100), at(100), 60));
        assert!(!is_overdue(at(100), at(159), 60));
        assert!(is_overdue(at(100), at(160), 60));
        assert!(is_overdue(at(100), at(99), 60));
    }
}
