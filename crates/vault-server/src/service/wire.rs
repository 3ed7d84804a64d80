//! Messages to the core's terms, and back.

use buffa::{EnumValue, Inline, Message, MessageField};
use vault_approval::{Approval, Assertion, MOST_PROOFS, Nonce, OidcApproval, Proof};
use vault_core::api::{self, KeyRef, KeyState, LoggedLeaf, Receipt, SeenHead};
use vault_core::{CallContext, Code, Head, Refusal, SignatureFormat};
use vault_policy::{KeyVersion, OidcSubject, VaultId};
use vault_proto::v1::__buffa::oneof::approval_proof;
use vault_proto::{WireError, v1};

type Field<T> = MessageField<T, Inline<T>>;

/// A request that says what it should not.
pub(super) fn invalid(error: WireError) -> Refusal {
    Refusal::new(Code::InvalidArgument).because(error.to_string())
}

fn wrong(field: &'static str, problem: &'static str) -> Refusal {
    invalid(WireError { field, problem })
}

/// A message field that may be absent.
pub(super) fn optional<T: Default + Message>(value: Option<T>) -> Field<T> {
    value.map_or_else(MessageField::default, MessageField::some)
}

/// A message field that must be there.
pub(super) fn required<'a, T: Default>(
    field: &'a Field<T>,
    name: &'static str,
) -> Result<&'a T, Refusal> {
    field.as_option().ok_or_else(|| wrong(name, "missing"))
}

pub(super) fn call_context(context: Option<&v1::CallContext>) -> Result<CallContext, Refusal> {
    let Some(context) = context else {
        return Ok(CallContext::default());
    };
    let seen = context.seen.as_option().map(seen_head).transpose()?;
    Ok(CallContext {
        idempotency_key: context.idempotency_key.clone(),
        seen,
        want_proof: context.want_proof,
        approval: context.approval.as_option().map(approval).transpose()?,
    })
}

pub(super) fn seen_head(seen: &v1::SeenHead) -> Result<SeenHead, Refusal> {
    Ok(SeenHead {
        vault_id: VaultId(vault_proto::hash("seen.vault_id", &seen.vault_id).map_err(invalid)?),
        size: seen.size,
        root: vault_proto::hash("seen.root", &seen.root).map_err(invalid)?,
    })
}

fn approval(approval: &v1::Approval) -> Result<Approval, Refusal> {
    let hash = |field, bytes: &[u8]| vault_proto::hash(field, bytes).map_err(invalid);
    let path = approval.path.iter().map(|step| hash("approval.path", step));
    let path = path.collect::<Result<Vec<_>, _>>()?;
    if approval.proofs.len() > MOST_PROOFS {
        return Err(wrong("approval.proofs", "more than 16"));
    }
    let proofs = approval.proofs.iter().map(|given| given.proof.as_ref());
    let proofs = proofs
        .map(|given| {
            given
                .map(proof)
                .ok_or_else(|| wrong("approval.proofs", "unknown"))
        })
        .collect::<Result<_, _>>()?;
    Ok(Approval {
        nonce: Nonce(hash("approval.nonce", &approval.nonce)?.0),
        salt: hash("approval.salt", &approval.salt)?.0,
        index: approval.index,
        path: path
            .try_into()
            .map_err(|_| wrong("approval.path", "not of 4 steps"))?,
        proofs,
    })
}

fn proof(proof: &approval_proof::Proof) -> Proof {
    match proof {
        approval_proof::Proof::Fido2(assertion) => Proof::Fido2(Assertion {
            credential_id: assertion.credential_id.clone(),
            authenticator_data: assertion.authenticator_data.clone(),
            client_data_json: assertion.client_data_json.clone(),
            signature: assertion.signature.clone(),
        }),
        approval_proof::Proof::Oidc(token) => Proof::Oidc(OidcApproval {
            manager: token.manager.clone(),
            by: OidcSubject {
                issuer: token.issuer.clone(),
                subject: token.subject.clone(),
            },
            signature: token.signature.clone(),
        }),
    }
}

pub(super) fn key_ref(key: &Field<v1::KeyRef>) -> Result<KeyRef, Refusal> {
    let key = required(key, "key")?;
    Ok(KeyRef {
        handle: vault_proto::key_handle(&key.handle).map_err(invalid)?,
        lineage: vault_proto::lineage(&key.lineage).map_err(invalid)?,
    })
}

pub(super) fn signature_format(
    format: EnumValue<v1::SignatureFormat>,
) -> Result<SignatureFormat, Refusal> {
    match format.as_known() {
        Some(v1::SignatureFormat::SIGNATURE_FORMAT_P1363) => Ok(SignatureFormat::P1363),
        Some(v1::SignatureFormat::SIGNATURE_FORMAT_DER) => Ok(SignatureFormat::Der),
        Some(v1::SignatureFormat::SIGNATURE_FORMAT_UNSPECIFIED) => Err(wrong("format", "missing")),
        None => Err(wrong("format", "unknown")),
    }
}

/// 0 stands for the primary version.
pub(super) fn version(version: u32) -> Option<KeyVersion> {
    (version != 0).then_some(KeyVersion(version))
}

pub(super) fn missing_input() -> Refusal {
    wrong("input", "missing")
}

pub(super) fn receipt(receipt: &Receipt) -> Field<v1::Receipt> {
    MessageField::some(v1::Receipt {
        head: MessageField::some(head(&receipt.head)),
        leaf: optional(receipt.leaf.as_ref().map(logged_leaf)),
        ..Default::default()
    })
}

pub(super) fn head(head: &Head) -> v1::Head {
    v1::Head {
        size: head.size,
        root: head.root.as_bytes().to_vec(),
        checkpoint: head.checkpoint.to_vec(),
        ..Default::default()
    }
}

pub(super) fn logged_leaf(leaf: &LoggedLeaf) -> v1::LoggedLeaf {
    let proof = leaf.proof.iter().flatten();
    v1::LoggedLeaf {
        index: leaf.index,
        request_salt: leaf.request_salt.as_bytes().to_vec(),
        leaf: leaf.leaf.clone().unwrap_or_default(),
        proof: proof.map(|hash| hash.as_bytes().to_vec()).collect(),
        ..Default::default()
    }
}

pub(super) fn key_state(state: KeyState) -> v1::KeyState {
    match state {
        KeyState::Enabled => v1::KeyState::KEY_STATE_ENABLED,
        KeyState::PendingDeletion => v1::KeyState::KEY_STATE_PENDING_DELETION,
        KeyState::Destroyed => v1::KeyState::KEY_STATE_DESTROYED,
    }
}

pub(super) fn key_info(info: api::KeyInfo) -> v1::KeyInfo {
    v1::KeyInfo {
        handle: info.handle.to_string(),
        lineage: info.lineage.0.as_bytes().to_vec(),
        name: info.name,
        r#type: vault_proto::to_key_type(info.key_type).into(),
        state: key_state(info.state).into(),
        version: info.version.0,
        policy_hash: info.policy_hash.0.as_bytes().to_vec(),
        policy_version: info.policy_version.0,
        labels: info.labels.into_iter().map(to_label).collect(),
        created_at: info.created_at.0,
        origin: info.origin.into(),
        exportable: info.exportable,
        public_key: info.public_key,
        due_at: info.due_at.map_or(0, |due_at| due_at.0),
        ..Default::default()
    }
}

pub(super) fn label(label: &v1::Label) -> api::Label {
    api::Label {
        name: label.name.clone(),
        value: label.value.clone(),
    }
}

fn to_label(label: api::Label) -> v1::Label {
    v1::Label {
        name: label.name,
        value: label.value,
        ..Default::default()
    }
}
