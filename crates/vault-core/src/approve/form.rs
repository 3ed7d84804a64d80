//! What a call asks for, in the form in which it is approved.

use crate::api::{KeyRef, Payload, Request, SignatureFormat};
use vault_approval::{ApprovalRequest, Digested, SignatureForm, SignedInput};
use vault_encoding::{Domain, sha256};
use vault_policy::{KeySubject, KeyVersion, PolicyHash};

/// A call that can be approved: about one key, and more than a look at it.
pub(crate) struct Asked<'a> {
    pub(crate) key: KeyRef,
    request: &'a Request,
}

/// The key that a call is about.
pub(crate) fn key_of(request: &Request) -> Option<KeyRef> {
    match request {
        Request::Sign(sign) => Some(sign.key),
        Request::Verify(check) => Some(check.key),
        Request::Wrap(wrap) => Some(wrap.key),
        Request::Unwrap(unwrap) => Some(unwrap.key),
        Request::Mac(mac) => Some(mac.key),
        Request::MacVerify(check) => Some(check.key),
        Request::ScheduleDeletion(deletion) => Some(deletion.key),
        Request::UpdatePolicy(update) => Some(update.key),
        Request::StageProfile(stage) => Some(stage.key),
        Request::PromoteProfile(promote) => Some(promote.key),
        Request::RevokeProfile(revoke) => Some(revoke.key),
        Request::GetPublicKey { key, .. }
        | Request::Reconstruct { key }
        | Request::CancelDeletion { key }
        | Request::GetKey { key }
        | Request::GetPolicy { key }
        | Request::ListProfiles { key }
        | Request::BeginApproval { key, .. }
        | Request::IssueApproval { key, .. }
        | Request::Simulate { key, .. } => Some(*key),
        Request::CreateKey(_)
        | Request::ListKeys(_)
        | Request::ReadLog { .. }
        | Request::GetCheckpoint
        | Request::ProveInclusion { .. }
        | Request::ProveConsistency { .. }
        | Request::WhoAmI => None,
    }
}

impl<'a> Asked<'a> {
    /// `None` for what takes no approval.
    pub(crate) fn of(request: &'a Request) -> Option<Self> {
        let looks = matches!(
            request,
            Request::GetKey { .. }
                | Request::GetPolicy { .. }
                | Request::ListProfiles { .. }
                | Request::BeginApproval { .. }
                | Request::IssueApproval { .. }
                | Request::Simulate { .. }
        );
        let key = key_of(request).filter(|_| !looks)?;
        Some(Self { key, request })
    }

    /// The request over the key as it is: the primary version, unless the call names one.
    pub(crate) fn request(&self, subject: &KeySubject) -> Option<ApprovalRequest> {
        let key_version = subject.version;
        let named = |version: Option<KeyVersion>| version.unwrap_or(key_version);
        Some(match self.request {
            Request::Sign(sign) => {
                let payload = Digested::of(sign.input.bytes());
                let format = form(sign.format);
                match &sign.input {
                    Payload::Message(_) => ApprovalRequest::Sign {
                        key_version,
                        payload,
                        format,
                    },
                    Payload::Digest(_) => ApprovalRequest::SignDigest {
                        key_version,
                        payload,
                        format,
                    },
                }
            }
            Request::Verify(check) => ApprovalRequest::Verify {
                key_version: named(check.version),
                input: input(&check.input),
                payload: Digested::of(check.input.bytes()),
                format: form(check.format),
                signature_sha256: sha256(&check.signature),
            },
            Request::Wrap(wrap) => ApprovalRequest::Wrap {
                key_version,
                aad: Digested::of(&wrap.aad),
                payload: Digested::of(&wrap.plaintext),
            },
            Request::Unwrap(unwrap) => ApprovalRequest::Unwrap {
                key_version: IN_THE_CIPHERTEXT,
                aad: Digested::of(&unwrap.aad),
                payload: Digested::of(&unwrap.ciphertext),
            },
            Request::Mac(mac) => ApprovalRequest::Mac {
                key_version,
                payload: Digested::of(&mac.message),
            },
            Request::MacVerify(check) => ApprovalRequest::MacVerify {
                key_version: named(check.version),
                payload: Digested::of(&check.message),
                tag_sha256: sha256(&check.tag),
            },
            Request::GetPublicKey { version, .. } => ApprovalRequest::GetPublicKey {
                key_version: named(*version),
            },
            Request::Reconstruct { .. } => ApprovalRequest::Reconstruct { key_version },
            administration => return changed(administration, subject),
        })
    }
}

/// The version of an `unwrap`: the ciphertext names it.
pub(crate) const IN_THE_CIPHERTEXT: KeyVersion = KeyVersion(0);

fn changed(request: &Request, subject: &KeySubject) -> Option<ApprovalRequest> {
    Some(match request {
        Request::ScheduleDeletion(deletion) => ApprovalRequest::DeleteKey {
            window: deletion.window,
        },
        Request::CancelDeletion { .. } => ApprovalRequest::CancelDeletion,
        Request::UpdatePolicy(update) => ApprovalRequest::UpdatePolicy {
            expected_version: update.expected_version,
            new_policy_hash: PolicyHash(Domain::KeyPolicy.hash(&[&update.policy])),
        },
        Request::StageProfile(stage) => ApprovalRequest::StageProfile {
            policy_version: subject.policy_version,
            profile_digest: Domain::AttestationProfile.hash(&[&stage.profile]),
        },
        Request::PromoteProfile(promote) => ApprovalRequest::PromoteProfile {
            policy_version: promote.expected_version,
            profile_digest: promote.digest,
        },
        Request::RevokeProfile(revoke) => ApprovalRequest::RevokeProfile {
            profile_digest: revoke.digest,
        },
        _ => return None,
    })
}

fn form(format: SignatureFormat) -> SignatureForm {
    match format {
        SignatureFormat::Der => SignatureForm::Der,
        SignatureFormat::P1363 => SignatureForm::P1363,
    }
}

fn input(payload: &Payload) -> SignedInput {
    match payload {
        Payload::Message(_) => SignedInput::Message,
        Payload::Digest(_) => SignedInput::Digest,
    }
}
