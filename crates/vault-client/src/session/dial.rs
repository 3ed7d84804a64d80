//! What the attested connection is asked for, and what its refusals mean to a caller.

use crate::config::{ClientConfig, VaultPins};
use crate::error::{Error, ErrorCode};
use ratls::Floors;
use ratls::tls::{self, ConnectError, ExpectedVault, PreambleError, Trust};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use vault_policy::UnixSeconds;

pub(super) fn dial_config(config: &ClientConfig, floors: &Floors) -> tls::ClientConfig {
    let mut policy = config.appraisal.clone();
    policy.floors.merge(floors);
    let trust = Trust {
        root: config.trust.clone(),
        policy,
    };
    let now: tls::Clock = Arc::new(now);
    let mut dialled = tls::ClientConfig::new(trust, expected(&config.vault), now);
    dialled.caller.clone_from(&config.caller);
    dialled.certificate.clone_from(&config.certificate);
    dialled
}

/// A clock before 1970 makes all evidence not yet valid.
pub(super) fn now() -> UnixSeconds {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixSeconds(since.as_secs())
}

fn expected(pins: &VaultPins) -> ExpectedVault {
    let VaultPins {
        vault_id,
        platform_id,
        measurement,
        trust_root,
    } = pins;
    let mut expected = ExpectedVault::vault(*vault_id);
    if let Some(platform) = platform_id {
        expected = expected.on_platform(*platform);
    }
    if let Some(measurement) = measurement {
        expected = expected.with_measurement(*measurement);
    }
    if let Some(root) = trust_root {
        expected = expected.with_trust_config(*root);
    }
    expected
}

/// Who ended the attempt, and why: the vault was not reached, the vault refused this caller, or
/// this client refused the vault.
pub(super) fn refusal(endpoint: &str, error: &ConnectError) -> Error {
    let code = match error {
        ConnectError::Handshake(_) => ErrorCode::Unavailable,
        ConnectError::Tls(_) => ErrorCode::Internal,
        ConnectError::NotAttested => ErrorCode::AttestationRefused,
        ConnectError::Preamble(preamble) => preamble_code(preamble),
    };
    Error::new(code).detail(format_args!("{endpoint}: {error} ({})", error.code()))
}

fn preamble_code(error: &PreambleError) -> ErrorCode {
    match error {
        PreambleError::Evidence(_) | PreambleError::NotExpected(_) => ErrorCode::AttestationRefused,
        PreambleError::TimedOut | PreambleError::Wire(_) => ErrorCode::Unavailable,
        PreambleError::Quote(_) | PreambleError::Exporter => ErrorCode::Internal,
        PreambleError::OutOfTurn(_) => match error.code() {
            "peer_evidence" | "peer_claims" | "peer_certificate" | "peer_binding" => {
                ErrorCode::EvidenceRefused
            }
            "peer_busy" | "peer_timed_out" | "peer_quote_unavailable" => ErrorCode::Unavailable,
            _ => ErrorCode::AttestationRefused,
        },
    }
}
