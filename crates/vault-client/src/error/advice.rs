//! What each code means to a person: one sentence, who has to act, and the command to try next.

use super::code::{Blame, ErrorCode, Retry};

/// The defaults of one code. A vault's own answer may override blame and retry.
pub(super) struct Advice {
    pub(super) message: &'static str,
    pub(super) blame: Blame,
    pub(super) retry: Retry,
    /// A command of `evault`, which its grammar accepts as it stands.
    pub(super) next: &'static str,
}

const fn advice(message: &'static str, blame: Blame, retry: Retry, next: &'static str) -> Advice {
    Advice {
        message,
        blame,
        retry,
        next,
    }
}

#[rustfmt::skip]
pub(super) fn of(code: ErrorCode) -> Advice {
    use Blame::{Caller, Policy, Upstream, Vault};
    use Retry::{Later, Never, Reauthenticate};
    match code {
        ErrorCode::InvalidArgument => advice("wrong usage", Caller, Never, "evault help"),
        ErrorCode::TooLarge => advice("the request is larger than the vault accepts", Caller, Never, "evault help key"),
        ErrorCode::PolicyInvalid => advice("the policy is not one that a vault enforces", Caller, Never, "evault policy lint policy.yaml"),
        ErrorCode::Unauthenticated => advice("the vault does not accept the access token, or there is none", Caller, Reauthenticate, "evault whoami"),
        ErrorCode::TokenExpired => advice("the access token is outside its time of validity", Caller, Reauthenticate, "evault whoami"),
        ErrorCode::NotAttested => advice("the connection was made without attestation", Caller, Reauthenticate, "evault doctor"),
        ErrorCode::EvidenceRefused => advice("the vault refuses this caller's attestation evidence", Caller, Never, "evault doctor"),
        ErrorCode::RoleRequired => advice("the token does not hold the role that this call needs", Caller, Never, "evault whoami"),
        ErrorCode::PolicyDenied => advice("the key's policy refuses this call", Policy, Never, "evault whoami"),
        ErrorCode::UsageDenied => advice("the key's usage or type does not allow this operation", Policy, Never, "evault key list"),
        ErrorCode::NotFound => advice("there is no such key, or none that this caller may know of", Caller, Never, "evault key list"),
        ErrorCode::AlreadyExists => advice("a key of this handle or name exists already", Caller, Never, "evault key list"),
        ErrorCode::IdempotencyConflict => advice("the idempotency key was used with another request", Caller, Never, "evault key list"),
        ErrorCode::LineageMismatch => advice("this is not the key that was seen under this handle before", Vault, Never, "evault audit verify"),
        ErrorCode::DecryptionFailed => advice("the ciphertext was not made by this key with this additional data, or was changed", Caller, Never, "evault key list"),
        ErrorCode::RollbackDetected => advice("the vault's log is shorter than what was seen before: its storage was rolled back", Vault, Never, "evault vault evidence list"),
        ErrorCode::ForkDetected => advice("the vault's log is not the one that was seen before: its storage was replaced or cloned", Vault, Never, "evault vault evidence list"),
        ErrorCode::Locked => advice("the vault is locked", Vault, Never, "evault vault list"),
        ErrorCode::RateLimited => advice("too many requests", Caller, Later, "evault doctor"),
        ErrorCode::QuotaExceeded => advice("a quota of the vault is used up", Caller, Never, "evault key list"),
        ErrorCode::IssuerUnavailable => advice("the token issuer cannot be reached", Upstream, Later, "evault doctor"),
        ErrorCode::TimeUnknown => advice("the vault does not know the time, and conditions on time deny", Vault, Later, "evault doctor"),
        ErrorCode::Internal => advice("something failed that should not", Vault, Later, "evault doctor"),
        ErrorCode::Unavailable => advice("the vault cannot be reached", Vault, Later, "evault doctor"),
        ErrorCode::SenderConstraintRequired => advice("the token is a plain bearer token, and this needs one that is bound to its sender", Caller, Reauthenticate, "evault whoami"),
        ErrorCode::DpopNonceRequired => advice("the DPoP proof lacks the nonce of this connection", Caller, Reauthenticate, "evault whoami"),
        ErrorCode::GovernanceRefused => advice("the governance quorum has not signed this", Caller, Never, "evault constellation show"),
        ErrorCode::ApprovalRefused => advice("an approval that came with this call does not hold, or is not of this call", Caller, Never, "evault help approve"),
        ErrorCode::VersionConflict => advice("the key's policy was changed since it was read", Caller, Never, "evault key list"),
        ErrorCode::PendingDeletion => advice("the key is pending deletion", Caller, Never, "evault key list"),
        ErrorCode::UpdateRefused => advice("the policy that stands does not allow this change", Policy, Never, "evault help policy"),
        ErrorCode::AttestationRefused => advice("this is not the vault that was asked for: its attestation is refused", Vault, Never, "evault doctor"),
        ErrorCode::ReceiptInvalid => advice("the vault's answer is not covered by a checkpoint that it signed", Vault, Never, "evault audit verify"),
        ErrorCode::Timeout => advice("the vault did not answer in time", Vault, Later, "evault doctor"),
        ErrorCode::ConfigInvalid => advice("the configuration or a flag is missing or wrong", Caller, Never, "evault doctor"),
        ErrorCode::FileInaccessible => advice("a local file cannot be read or written", Caller, Never, "evault help"),
        ErrorCode::VerificationFailed => advice("what was to be verified does not verify", Caller, Never, "evault audit verify"),
        ErrorCode::ManifestRefused => advice("this is not the constellation's manifest, or an older one than was seen before", Upstream, Never, "evault constellation show"),
        ErrorCode::Partial => advice("some vaults failed, and the goal was met", Vault, Later, "evault vault list"),
        ErrorCode::TooFewVaults => advice("too few vaults answered", Vault, Later, "evault vault list"),
        ErrorCode::SharesDamaged => advice("shares do not authenticate or do not fit together", Vault, Never, "evault vault list"),
        ErrorCode::Interrupted => advice("stopped by a signal", Caller, Later, "evault doctor"),
    }
}
