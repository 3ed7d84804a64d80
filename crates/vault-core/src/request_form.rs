//! The canonical text of a request, which `request_hash` of its leaf commits to. JCS; payloads
//! stand in it as SHA-256 and length. Docs: docs/audit-log.md.

#[cfg(test)]
mod tests;

use crate::api::{CreateKey, KeyRef, Payload, Request, Verify};
use vault_encoding::{Canonical, Hash, sha256};
use vault_policy::{KeyHandle, KeyVersion};

/// Writes one JSON object whose members are given in sorted order. Values are ASCII without
/// quotes, backslashes and controls unless they go through `value`.
struct Form(Vec<u8>);

impl Form {
    fn new() -> Self {
        let mut text = Vec::with_capacity(384);
        text.push(b'{');
        Self(text)
    }

    fn name(mut self, name: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        self
    }

    fn plain(self, name: &str, value: &str) -> Self {
        let mut form = self.name(name);
        form.0.push(b'"');
        form.0.extend_from_slice(value.as_bytes());
        form.0.push(b'"');
        form
    }

    fn value(self, name: &str, value: &Canonical) -> Self {
        let mut form = self.name(name);
        form.0.extend_from_slice(&value.to_bytes());
        form
    }

    fn number(self, name: &str, value: u64) -> Self {
        self.plain(name, &value.to_string())
    }

    fn hash(self, name: &str, value: &Hash) -> Self {
        self.plain(name, &value.to_string())
    }

    fn handle(self, handle: &KeyHandle) -> Self {
        self.plain("handle", &handle.to_string())
    }

    fn lineage(self, key: &KeyRef) -> Self {
        match key.lineage {
            Some(lineage) => self.hash("lineage", &lineage.0),
            None => self.plain("lineage", ""),
        }
    }

    fn payload(self, bytes: &[u8]) -> Self {
        self.number("payload_length", bytes.len() as u64)
            .hash("payload_sha256", &sha256(bytes))
    }

    fn aad(self, bytes: &[u8]) -> Self {
        self.number("aad_length", bytes.len() as u64)
            .hash("aad_sha256", &sha256(bytes))
    }

    fn version(self, version: Option<KeyVersion>) -> Self {
        self.number("version", version.map_or(0, |version| u64::from(version.0)))
    }

    /// Nothing for the other types, whose text is as it was before there were shares.
    fn share(self, share: Option<&[u8]>) -> Self {
        match share {
            Some(bytes) => self
                .number("share_length", bytes.len() as u64)
                .hash("share_sha256", &sha256(bytes)),
            None => self,
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// The canonical text of a request about one key or a change. Reads of the log and of lists are
/// never logged and have none.
pub(crate) fn canonical(request: &Request) -> Vec<u8> {
    let form = Form::new();
    match request {
        Request::CreateKey(create) => create_key(form, create),
        Request::GetKey { key } => bare(form, "get_key", key),
        Request::GetPolicy { key } => bare(form, "get_policy", key),
        Request::Reconstruct { key } => bare(form, "reconstruct", key),
        Request::Sign(sign) => about(form, &sign.key, sign.input.operation_name())
            .payload(sign.input.bytes())
            .plain("signature_format", sign.format.name())
            .end(),
        Request::Verify(check) => verify(form, check),
        Request::Wrap(wrap) => with_aad(form, "wrap", &wrap.key, &wrap.plaintext, &wrap.aad),
        Request::Unwrap(unwrap) => {
            with_aad(form, "unwrap", &unwrap.key, &unwrap.ciphertext, &unwrap.aad)
        }
        Request::Mac(mac) => about(form, &mac.key, "mac").payload(&mac.message).end(),
        Request::MacVerify(check) => about(form, &check.key, "mac_verify")
            .payload(&check.message)
            .hash("tag_sha256", &sha256(&check.tag))
            .version(check.version)
            .end(),
        Request::GetPublicKey { key, version } => {
            about(form, key, "get_public_key").version(*version).end()
        }
        Request::ScheduleDeletion(_)
        | Request::CancelDeletion { .. }
        | Request::UpdatePolicy(_)
        | Request::StageProfile(_)
        | Request::ListProfiles { .. }
        | Request::PromoteProfile(_)
        | Request::RevokeProfile(_) => change(form, request),
        Request::BeginApproval { .. }
        | Request::IssueApproval { .. }
        | Request::Simulate { .. } => approval(form, request),
        Request::ListKeys(_)
        | Request::ReadLog { .. }
        | Request::GetCheckpoint
        | Request::ProveInclusion { .. }
        | Request::ProveConsistency { .. }
        | Request::WhoAmI => Vec::new(),
    }
}

fn about(form: Form, key: &KeyRef, operation: &str) -> Form {
    form.handle(&key.handle)
        .lineage(key)
        .plain("operation", operation)
}

/// Nothing for a request that changes no key.
fn change(form: Form, request: &Request) -> Vec<u8> {
    match request {
        Request::ScheduleDeletion(deletion) => about(form, &deletion.key, "delete_key")
            .number("window", deletion.window)
            .end(),
        Request::UpdatePolicy(update) => {
            let form = form.number("expected_version", update.expected_version.0);
            about(form, &update.key, "update_policy")
                .number("policy_length", update.policy.len() as u64)
                .hash("policy_sha256", &sha256(&update.policy))
                .end()
        }
        Request::StageProfile(stage) => about(form, &stage.key, "stage_profile")
            .number("profile_length", stage.profile.len() as u64)
            .hash("profile_sha256", &sha256(&stage.profile))
            .end(),
        Request::PromoteProfile(promote) => {
            let form = form.number("expected_version", promote.expected_version.0);
            about(form, &promote.key, "promote_profile")
                .hash("profile_digest", &promote.digest)
                .end()
        }
        Request::RevokeProfile(revoke) => about(form, &revoke.key, "revoke_profile")
            .hash("profile_digest", &revoke.digest)
            .end(),
        Request::ListProfiles { key } => bare(form, "list_profiles", key),
        Request::CancelDeletion { key } => bare(form, "cancel_deletion", key),
        _ => Vec::new(),
    }
}

/// Nothing for a request that is not about approvals.
fn approval(form: Form, request: &Request) -> Vec<u8> {
    match request {
        Request::BeginApproval {
            key,
            request,
            valid_for,
        } => about(form, key, "begin_approval")
            .number("request_length", request.len() as u64)
            .hash("request_sha256", &sha256(request))
            .number("valid_for", *valid_for)
            .end(),
        Request::IssueApproval { key, statement } => about(form, key, "issue_approval")
            .number("statement_length", statement.len() as u64)
            .hash("statement_sha256", &sha256(statement))
            .end(),
        Request::Simulate { key, request } => about(form, key, "simulate")
            .number("request_length", request.len() as u64)
            .hash("request_sha256", &sha256(request))
            .end(),
        _ => Vec::new(),
    }
}

/// The text of a creation, by reference: a share is not copied for it.
pub(crate) fn of_creation(create: &CreateKey) -> Vec<u8> {
    create_key(Form::new(), create)
}

fn create_key(form: Form, create: &CreateKey) -> Vec<u8> {
    let labels = create.labels.iter().map(|label| {
        Canonical::map([
            ("name", Canonical::text(&label.name)),
            ("value", Canonical::text(&label.value)),
        ])
    });
    form.handle(&create.handle)
        .value("labels", &Canonical::list(labels))
        .value("name", &Canonical::text(&create.name))
        .plain("operation", "create_key")
        .number("policy_length", create.policy.len() as u64)
        .hash("policy_sha256", &sha256(&create.policy))
        .share(create.share.as_deref().map(Vec::as_slice))
        .plain("type", create.key_type.name())
        .end()
}

fn verify(form: Form, check: &Verify) -> Vec<u8> {
    form.handle(&check.key.handle)
        .plain("input", check.input.name())
        .lineage(&check.key)
        .plain("operation", "verify")
        .payload(check.input.bytes())
        .plain("signature_format", check.format.name())
        .hash("signature_sha256", &sha256(&check.signature))
        .version(check.version)
        .end()
}

fn bare(form: Form, operation: &str, key: &KeyRef) -> Vec<u8> {
    form.handle(&key.handle)
        .lineage(key)
        .plain("operation", operation)
        .end()
}

fn with_aad(form: Form, operation: &str, key: &KeyRef, payload: &[u8], aad: &[u8]) -> Vec<u8> {
    form.aad(aad)
        .handle(&key.handle)
        .lineage(key)
        .plain("operation", operation)
        .payload(payload)
        .end()
}

impl Payload {
    /// The bytes, whatever they are.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Message(bytes) | Self::Digest(bytes) => bytes,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Digest(_) => "digest",
        }
    }

    fn operation_name(&self) -> &'static str {
        match self {
            Self::Message(_) => "sign",
            Self::Digest(_) => "sign_digest",
        }
    }
}
