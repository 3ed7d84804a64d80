//! TLS 1.3 with the attestation preamble, over tokio and rustls.
//!
//! [`ServerEndpoint::accept`] and [`connect`] return a stream only after the preamble has passed
//! (or, on the accepting side, one that is marked as plain). TLS itself proves possession of the
//! leaf's key and gives the exporter; who is at the other end follows from the preamble alone.
//! The caller must serve plain streams nothing but health, and must close connections that are
//! older than [`MAX_CONNECTION_AGE`].

mod batcher;
mod bucket;
mod check;
mod client;
mod client_chain;
mod client_key;
mod codes;
mod crypto;
mod error;
mod facts;
mod pins;
mod rotation;
mod server;
mod shown;
mod wire;

pub use batcher::{QuoteBatcher, QuoteLimits, QuoteRefusal, QuoteUnavailable, Quoted, Quoter};
pub use check::Trust;
pub use client::{CallerIdentity, ClientConfig, TlsStream as ClientStream, connect, connect_tcp};
pub use client_key::ClientKey;
pub use error::{
    AcceptError, ConnectError, EndpointError, EvidenceError, IssueFailed, NotExpected,
    PreambleError,
};
pub use facts::{
    Attested, ClientCertificate, ConnectionFacts, MAX_CONNECTION_AGE, PeerFacts, is_overdue,
};
pub use pins::ExpectedVault;
pub use rotation::LeafIssuer;
pub use server::{Accepted, ServerConfig, ServerEndpoint, TlsStream as ServerStream};
pub use wire::WireError;

use crate::Leaf;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use std::time::Duration;
use vault_policy::UnixSeconds;

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> UnixSeconds + Send + Sync>;

/// What the certificates that a client shows prove, for the fuzzer: the leaf first.
#[cfg(feature = "fuzzing")]
pub fn client_certificate(shown: &[Vec<u8>], now: UnixSeconds) -> Option<ClientCertificate> {
    let shown = shown.iter().map(|one| one.as_slice().into());
    let shown: Vec<CertificateDer<'_>> = shown.collect();
    client_chain::facts(&shown, now, &crypto::provider())
}

/// Longest TLS handshake, and longest preamble, unless said otherwise.
pub const PREAMBLE_TIMEOUT: Duration = Duration::from_secs(10);

fn peer_certificate<D>(
    connection: &rustls::ConnectionCommon<D>,
) -> Option<CertificateDer<'static>> {
    connection
        .peer_certificates()?
        .first()
        .cloned()
        .map(CertificateDer::into_owned)
}

fn certified(leaf: &Leaf) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certificate = CertificateDer::from(leaf.cert_der.clone());
    let key = PrivatePkcs8KeyDer::from(leaf.key_pkcs8.to_vec());
    (vec![certificate], key.into())
}
