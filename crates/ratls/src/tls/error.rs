//! Why there is no attested connection. Every reason has a stable name.

use super::batcher::QuoteRefusal;
use super::codes;
use super::wire::WireError;
use crate::preamble::client::OutOfTurn;
use crate::preamble::{FrameError, Reason};
use crate::{AppraisalError, LeafError};

/// Why the other end's evidence does not hold for this connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The peer showed no certificate in the handshake.
    #[error("the peer showed no certificate")]
    NoCertificate,
    /// The certificate is not an RA-TLS leaf.
    #[error("the peer's certificate is not acceptable: {0}")]
    Leaf(#[from] LeafError),
    /// The preamble's claims are not those of the certificate.
    #[error("the claims of the preamble are not those of the certificate")]
    OtherClaims,
    /// An enclave in another role.
    #[error("the evidence is that of another role")]
    Role,
    /// Not made for this connection: another nonce, another TLS session, another key.
    #[error("the evidence is not bound to this connection")]
    Binding,
    /// The certificate's own quote does not pass.
    #[error("the certificate's evidence: {0}")]
    LeafAppraisal(AppraisalError),
    /// The preamble's quote does not pass.
    #[error("{0}")]
    Appraisal(AppraisalError),
    /// The two quotes are of different enclaves.
    #[error("the certificate's evidence is that of another enclave")]
    OtherEnclave,
}

/// Genuine evidence of another vault than the expected one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotExpected {
    /// Another vault id.
    #[error("another vault answers")]
    VaultId,
    /// Another machine.
    #[error("the vault runs on another machine")]
    Platform,
    /// Another build.
    #[error("the vault runs another build")]
    Measurement,
    /// Another trust configuration.
    #[error("the vault runs under another trust configuration")]
    TrustConfig,
}

/// Why a preamble ended without agreement, at either end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PreambleError {
    /// It took longer than the limit.
    #[error("the preamble took too long")]
    TimedOut,
    /// The peer sent no frame, or the connection ended.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The peer refused, or sent a frame that does not come next.
    #[error(transparent)]
    OutOfTurn(#[from] OutOfTurn),
    /// The peer's evidence does not hold.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The peer is genuine, and not who it should be.
    #[error(transparent)]
    NotExpected(#[from] NotExpected),
    /// This end has no quote to show.
    #[error(transparent)]
    Quote(#[from] QuoteRefusal),
    /// The TLS library gave no exporter or no randomness.
    #[error("the TLS connection gives no exporter")]
    Exporter,
}

/// Why a connection was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The TLS handshake failed or took too long.
    #[error("the TLS handshake failed: {0}")]
    Handshake(std::io::ErrorKind),
    /// The preamble failed.
    #[error(transparent)]
    Preamble(#[from] PreambleError),
    /// There is no valid leaf to show.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

/// Why there is no endpoint, or no leaf for it.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// No leaf could be issued.
    #[error("no leaf could be issued: {0}")]
    Issue(IssueFailed),
    /// The TLS library refuses the leaf.
    #[error("the TLS library refuses the configuration: {0}")]
    Tls(#[from] rustls::Error),
}

/// Why no leaf could be issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IssueFailed {
    /// The platform gave no quote.
    #[error("the platform gave no quote")]
    Quote,
    /// The certificate could not be made.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// The task that makes it was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// Why there is no attested connection to a vault.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The TLS handshake failed or took too long.
    #[error("the TLS handshake failed: {0}")]
    Handshake(std::io::ErrorKind),
    /// The other end does not speak the preamble.
    #[error("the other end does not speak the attestation preamble")]
    NotAttested,
    /// The preamble failed.
    #[error(transparent)]
    Preamble(#[from] PreambleError),
    /// The TLS library refuses the caller's leaf.
    #[error("the TLS library refuses the configuration: {0}")]
    Tls(#[from] rustls::Error),
}

impl EvidenceError {
    /// Stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::Leaf(error) => codes::of_leaf(error),
            Self::OtherClaims => "other_claims",
            Self::Role => "role",
            Self::Binding => "binding",
            Self::LeafAppraisal(error) | Self::Appraisal(error) => codes::of_appraisal(error),
            Self::OtherEnclave => "other_enclave",
        }
    }

    /// What the peer is told.
    pub fn reason(self) -> Reason {
        match self {
            Self::NoCertificate | Self::Leaf(_) => Reason::Certificate,
            Self::OtherClaims | Self::Role => Reason::Claims,
            Self::Binding => Reason::Binding,
            Self::LeafAppraisal(_) | Self::Appraisal(_) | Self::OtherEnclave => Reason::Evidence,
        }
    }
}

impl NotExpected {
    /// Stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::VaultId => "other_vault",
            Self::Platform => "other_platform",
            Self::Measurement => "other_measurement",
            Self::TrustConfig => "other_trust_config",
        }
    }
}

impl PreambleError {
    /// Stable name; what the peer refused for is prefixed with `peer_`.
    pub fn code(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Wire(WireError::Frame(error)) => error.code(),
            Self::Wire(WireError::Closed) => "closed",
            Self::Wire(WireError::Io(_)) => "io",
            Self::OutOfTurn(OutOfTurn::Refused(reason)) => peer_code(reason),
            Self::OutOfTurn(OutOfTurn::Unexpected(_)) => "unexpected_frame",
            Self::Evidence(error) => error.code(),
            Self::NotExpected(error) => error.code(),
            Self::Quote(QuoteRefusal::Busy) => "busy",
            Self::Quote(QuoteRefusal::Unavailable) => "quote_unavailable",
            Self::Exporter => "exporter",
        }
    }

    /// What the peer is told; nothing if it has refused or gone.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::TimedOut => Some(Reason::TimedOut),
            Self::Wire(WireError::Frame(error)) => Some(FrameError::reason(error)),
            Self::Wire(WireError::Closed | WireError::Io(_)) => None,
            Self::OutOfTurn(OutOfTurn::Refused(_)) => None,
            Self::OutOfTurn(OutOfTurn::Unexpected(_)) => Some(Reason::Unexpected),
            Self::Evidence(error) => Some(error.reason()),
            Self::NotExpected(_) => Some(Reason::NotExpected),
            Self::Quote(QuoteRefusal::Busy) => Some(Reason::Busy),
            Self::Quote(QuoteRefusal::Unavailable) | Self::Exporter => {
                Some(Reason::QuoteUnavailable)
            }
        }
    }
}

fn peer_code(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed => "peer_malformed",
        Reason::Version => "peer_version",
        Reason::Unexpected => "peer_unexpected",
        Reason::TooLarge => "peer_too_large",
        Reason::TimedOut => "peer_timed_out",
        Reason::Busy => "peer_busy",
        Reason::QuoteUnavailable => "peer_quote_unavailable",
        Reason::Certificate => "peer_certificate",
        Reason::Claims => "peer_claims",
        Reason::Binding => "peer_binding",
        Reason::Evidence => "peer_evidence",
        Reason::NotExpected => "peer_not_expected",
    }
}

impl AcceptError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Handshake(_) => "handshake",
            Self::Preamble(error) => error.code(),
            Self::Endpoint(_) => "no_leaf",
        }
    }
}

impl ConnectError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Handshake(_) => "handshake",
            Self::NotAttested => "not_attested",
            Self::Preamble(error) => error.code(),
            Self::Tls(_) => "configuration",
        }
    }
}
