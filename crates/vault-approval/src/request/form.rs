//! The canonical form of a request.

use super::{ApprovalRequest, Digested, SignatureForm, SignedInput};
use crate::FormatError;
use crate::fields::Fields;
use std::collections::BTreeMap;
use std::fmt::Display;
use vault_encoding::Canonical;
use vault_policy::{KeyVersion, PolicyHash, PolicyVersion};

impl ApprovalRequest {
    /// The canonical form.
    pub fn to_canonical(&self) -> Canonical {
        let mut members = Members::of(self.operation());
        if let Some(version) = self.key_version() {
            members.text("key_version", version);
        }
        self.write_use(&mut members);
        self.write_administration(&mut members);
        members.end()
    }

    fn write_use(&self, members: &mut Members) {
        match self {
            Self::Sign {
                payload, format, ..
            }
            | Self::SignDigest {
                payload, format, ..
            } => {
                members.payload(payload);
                members.text("signature_format", format.name());
            }
            Self::Verify {
                input,
                payload,
                format,
                signature_sha256,
                ..
            } => {
                members.text("input", input.name());
                members.payload(payload);
                members.text("signature_format", format.name());
                members.text("signature_sha256", signature_sha256);
            }
            Self::Wrap { aad, payload, .. } | Self::Unwrap { aad, payload, .. } => {
                members.text("aad_length", aad.length);
                members.text("aad_sha256", aad.sha256);
                members.payload(payload);
            }
            Self::Mac { payload, .. } => members.payload(payload),
            Self::MacVerify {
                payload,
                tag_sha256,
                ..
            } => {
                members.payload(payload);
                members.text("tag_sha256", tag_sha256);
            }
            Self::GetPublicKey { .. }
            | Self::Reconstruct { .. }
            | Self::DeleteKey { .. }
            | Self::CancelDeletion
            | Self::UpdatePolicy { .. }
            | Self::StageProfile { .. }
            | Self::PromoteProfile { .. }
            | Self::RevokeProfile { .. } => {}
        }
    }

    fn write_administration(&self, members: &mut Members) {
        match self {
            Self::DeleteKey { window } => members.text("window", window),
            Self::UpdatePolicy {
                expected_version,
                new_policy_hash,
            } => {
                members.text("expected_version", expected_version);
                members.text("new_policy_hash", new_policy_hash);
            }
            Self::StageProfile {
                policy_version,
                profile_digest,
            }
            | Self::PromoteProfile {
                policy_version,
                profile_digest,
            } => {
                members.text("policy_version", policy_version);
                members.text("profile_digest", profile_digest);
            }
            Self::RevokeProfile { profile_digest } => {
                members.text("profile_digest", profile_digest);
            }
            Self::Sign { .. }
            | Self::SignDigest { .. }
            | Self::Verify { .. }
            | Self::Wrap { .. }
            | Self::Unwrap { .. }
            | Self::Mac { .. }
            | Self::MacVerify { .. }
            | Self::GetPublicKey { .. }
            | Self::Reconstruct { .. }
            | Self::CancelDeletion => {}
        }
    }

    /// Reads the canonical form, and nothing else.
    pub fn from_canonical(value: &Canonical) -> Result<Self, FormatError> {
        let mut from = Fields::of(value, "request")?;
        let operation = from.text("operation")?;
        let request = match operation {
            "delete_key" | "cancel_deletion" | "update_policy" | "stage_profile"
            | "promote_profile" | "revoke_profile" => administration(operation, &mut from)?,
            _ => use_of_key(operation, &mut from)?,
        };
        from.end()?;
        Ok(request)
    }
}

fn use_of_key(operation: &str, from: &mut Fields<'_>) -> Result<ApprovalRequest, FormatError> {
    let key_version = KeyVersion(from.number("key_version")?);
    Ok(match operation {
        "sign" => ApprovalRequest::Sign {
            key_version,
            payload: payload(from)?,
            format: format(from)?,
        },
        "sign_digest" => ApprovalRequest::SignDigest {
            key_version,
            payload: payload(from)?,
            format: format(from)?,
        },
        "verify" => ApprovalRequest::Verify {
            key_version,
            input: input(from)?,
            payload: payload(from)?,
            format: format(from)?,
            signature_sha256: from.hash("signature_sha256")?,
        },
        "wrap" => ApprovalRequest::Wrap {
            key_version,
            aad: aad(from)?,
            payload: payload(from)?,
        },
        "unwrap" => ApprovalRequest::Unwrap {
            key_version,
            aad: aad(from)?,
            payload: payload(from)?,
        },
        "mac" => ApprovalRequest::Mac {
            key_version,
            payload: payload(from)?,
        },
        "mac_verify" => ApprovalRequest::MacVerify {
            key_version,
            payload: payload(from)?,
            tag_sha256: from.hash("tag_sha256")?,
        },
        "get_public_key" => ApprovalRequest::GetPublicKey { key_version },
        "reconstruct" => ApprovalRequest::Reconstruct { key_version },
        _ => return Err(FormatError::UnknownOperation),
    })
}

fn administration(operation: &str, from: &mut Fields<'_>) -> Result<ApprovalRequest, FormatError> {
    Ok(match operation {
        "delete_key" => ApprovalRequest::DeleteKey {
            window: from.number("window")?,
        },
        "cancel_deletion" => ApprovalRequest::CancelDeletion,
        "update_policy" => ApprovalRequest::UpdatePolicy {
            expected_version: PolicyVersion(from.number("expected_version")?),
            new_policy_hash: PolicyHash(from.hash("new_policy_hash")?),
        },
        "stage_profile" => ApprovalRequest::StageProfile {
            policy_version: PolicyVersion(from.number("policy_version")?),
            profile_digest: from.hash("profile_digest")?,
        },
        "promote_profile" => ApprovalRequest::PromoteProfile {
            policy_version: PolicyVersion(from.number("policy_version")?),
            profile_digest: from.hash("profile_digest")?,
        },
        "revoke_profile" => ApprovalRequest::RevokeProfile {
            profile_digest: from.hash("profile_digest")?,
        },
        _ => return Err(FormatError::UnknownOperation),
    })
}

fn payload(from: &mut Fields<'_>) -> Result<Digested, FormatError> {
    Ok(Digested {
        length: from.number("payload_length")?,
        sha256: from.hash("payload_sha256")?,
    })
}

fn aad(from: &mut Fields<'_>) -> Result<Digested, FormatError> {
    Ok(Digested {
        length: from.number("aad_length")?,
        sha256: from.hash("aad_sha256")?,
    })
}

fn format(from: &mut Fields<'_>) -> Result<SignatureForm, FormatError> {
    match from.text("signature_format")? {
        "der" => Ok(SignatureForm::Der),
        "p1363" => Ok(SignatureForm::P1363),
        _ => Err(FormatError::Malformed("signature_format")),
    }
}

fn input(from: &mut Fields<'_>) -> Result<SignedInput, FormatError> {
    match from.text("input")? {
        "message" => Ok(SignedInput::Message),
        "digest" => Ok(SignedInput::Digest),
        _ => Err(FormatError::Malformed("input")),
    }
}

/// Members of one canonical object, in any order.
struct Members(BTreeMap<String, Canonical>);

impl Members {
    fn of(operation: &str) -> Self {
        let mut members = Self(BTreeMap::new());
        members.text("operation", operation);
        members
    }

    fn text(&mut self, name: &str, value: impl Display) {
        self.0.insert(name.to_owned(), Canonical::text(value));
    }

    fn payload(&mut self, payload: &Digested) {
        self.text("payload_length", payload.length);
        self.text("payload_sha256", payload.sha256);
    }

    fn end(self) -> Canonical {
        Canonical::Map(self.0)
    }
}
