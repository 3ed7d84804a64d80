//! CreateKey: the owner role, and the creator is the owner that the policy names.

use crate::api::{Answer, Code, CreateKey, Label, LoggedLeaf, Refusal};
use crate::authorize::{Call, SENDER, Step};
use crate::change::{Change, CreatedKey};
use crate::idempotency::{Remembered, Scope, Seen};
use crate::keyring::KeyRing;
use crate::leaf::{self, Draft, Record, Verdict};
use crate::limits::{LABEL_BYTES, LABELS, NAME_BYTES, POLICY_BYTES};
use crate::request_form;
use crate::state::{LiveKey, Owned};
use crate::stop::Stop;
use crate::vault::Vault;
use std::collections::BTreeSet;
use std::sync::Arc;
use unicode_normalization::is_nfc;
use vault_encoding::{Hash, merkle, sha256};
use vault_keys::{KeyError, KeyMaterial, Rng, SecretAccess};
use vault_policy::{
    KeyPolicy, KeyType, KeyVersion, Lineage, OidcSubject, PolicyVersion, SHARE_CLASSES,
    UnixSeconds, VaultId, VaultTime, sender_allows, validate,
};
use zeroize::Zeroizing;

const RPC: &str = "create_key";

/// A creation that may go ahead, as far as is known before it is recorded.
pub(crate) struct Creation {
    pub(crate) request: CreateKey,
    pub(crate) owner: OidcSubject,
    pub(crate) policy: Arc<KeyPolicy>,
    pub(crate) scope: Option<(Scope, Hash)>,
    pub(crate) draft: Draft,
    created_at: UnixSeconds,
}

/// A key that exists as soon as it is recorded.
pub(crate) struct Made {
    pub(crate) key: Arc<LiveKey>,
    pub(crate) record: Record,
    pub(crate) remembered: Option<Remembered>,
}

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, create: CreateKey) -> Step {
    let text = request_form::of_creation(&create);
    match judge(vault, call, create, text.clone()) {
        Ok(creation) if !sender_allows(creation.request.key_type, call.caller.facts()) => {
            creation.refuse_sender()
        }
        Ok(creation) => match vault.admit_creation(&creation) {
            Ok(None) => Step::Create(Box::new(creation)),
            Ok(Some(repeat)) => repeat,
            Err(stop) => call.refuse(stop, RPC, text),
        },
        Err(stop) => call.refuse(stop, RPC, text),
    }
}

fn judge(
    vault: &Vault,
    call: &Call<'_>,
    create: CreateKey,
    text: Vec<u8>,
) -> Result<Creation, Stop> {
    let token = call
        .caller
        .facts()
        .token
        .as_ref()
        .ok_or_else(Stop::role_required)?;
    if !vault.config.holds(token, &vault.config.roles.owner) {
        return Err(Stop::role_required());
    }
    check_texts(&create)?;
    check_share(&create)?;
    let policy = read_policy(vault, &create, call.time)?;
    let owner = call.caller.subject().ok_or_else(Stop::role_required)?;
    if policy.owner() != owner {
        return Err(invalid_policy(
            "principals.owner is not the creator".to_owned(),
        ));
    }
    let VaultTime::Known { lo, .. } = call.time else {
        return Err(Stop::Plain(Refusal::new(Code::TimeUnknown)));
    };
    let scope = idempotency_scope(call, RPC, &text);
    let mut draft = call.draft(RPC, None, text);
    draft.handle = Some(create.handle);
    draft.policy_hash = Some(policy.hash().0);
    let owner = owner.clone();
    Ok(Creation {
        request: create,
        owner,
        policy,
        scope,
        draft,
        created_at: lo,
    })
}

/// The scope of a changing call and the digest of its body, if it carries an idempotency key.
pub(crate) fn idempotency_scope(
    call: &Call<'_>,
    rpc: &'static str,
    text: &[u8],
) -> Option<(Scope, Hash)> {
    let key = &call.context.idempotency_key;
    let requester = call.caller.subject()?;
    (!key.is_empty()).then(|| (Scope::of(requester, rpc, key), sha256(text)))
}

fn check_texts(create: &CreateKey) -> Result<(), Stop> {
    let fits = |text: &str, bound| {
        text.len() <= bound && is_nfc(text) && !text.chars().any(char::is_control)
    };
    if !fits(&create.name, NAME_BYTES) {
        return Err(Stop::plain(
            Code::InvalidArgument,
            "name: at most 256 bytes in Unicode form NFC, no controls",
        ));
    }
    let label_fits = |label: &Label| {
        !label.name.is_empty() && fits(&label.name, LABEL_BYTES) && fits(&label.value, LABEL_BYTES)
    };
    if create.labels.len() > LABELS || !create.labels.iter().all(label_fits) {
        let detail =
            "labels: at most 16, texts of at most 256 bytes in Unicode form NFC, no controls";
        return Err(Stop::plain(Code::InvalidArgument, detail));
    }
    let names: BTreeSet<_> = create.labels.iter().map(|label| &label.name).collect();
    if names.len() != create.labels.len() {
        return Err(Stop::plain(
            Code::InvalidArgument,
            "labels: names are unique",
        ));
    }
    Ok(())
}

/// The bytes are opaque; but one at x = 0 would be the secret itself, and a length outside the
/// classes would tell something of it.
fn check_share(create: &CreateKey) -> Result<(), Stop> {
    let invalid = |detail| Err(Stop::plain(Code::InvalidArgument, detail));
    match (create.key_type, &create.share) {
        (KeyType::RawShare, None) => invalid("share: missing"),
        (KeyType::RawShare, Some(share)) if !SHARE_CLASSES.contains(&share.len()) => {
            invalid("share: not as long as one of the size classes")
        }
        (KeyType::RawShare, Some(share)) if share.first() == Some(&0) => {
            invalid("share: the first byte is 0")
        }
        (KeyType::RawShare, Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => invalid("share: only keys of type raw-share have one"),
    }
}

fn read_policy(vault: &Vault, create: &CreateKey, now: VaultTime) -> Result<Arc<KeyPolicy>, Stop> {
    if create.policy.len() > POLICY_BYTES {
        return Err(Stop::Plain(Refusal::new(Code::TooLarge)));
    }
    let policy = KeyPolicy::from_canonical(&create.policy)
        .map_err(|error| invalid_policy(error.to_string()))?;
    validate(&policy, create.key_type, now).map_err(|error| invalid_policy(error.to_string()))?;
    Ok(vault.state.shared_policy(policy))
}

fn invalid_policy(detail: String) -> Stop {
    Stop::Plain(Refusal::new(Code::PolicyInvalid).because(detail))
}

impl Vault {
    /// Whether handle, name and quota are free. `Some` is the answer to a repeat of a call that
    /// was made already. Asked when the call is judged, and again when it is recorded.
    pub(crate) fn admit_creation(&self, creation: &Creation) -> Result<Option<Step>, Stop> {
        if let Some((scope, body)) = &creation.scope {
            match self.state.idempotency.look_up(scope, body) {
                Seen::Never => {}
                Seen::OtherBody => {
                    return Err(Stop::Plain(Refusal::new(Code::IdempotencyConflict)));
                }
                Seen::Same(kept) => {
                    let Some(slot) = self.state.by_lineage(&kept.lineage) else {
                        return Err(Stop::Plain(Refusal::new(Code::Internal)));
                    };
                    let answer = Answer::CreateKey(slot.info());
                    return Ok(Some(Step::repeat(answer, slot.changed, &kept)));
                }
            }
        }
        let nothing = Owned::default();
        let owned = self.state.owned(&creation.owner).unwrap_or(&nothing);
        self.has_room(owned, creation).map(|()| None)
    }

    fn has_room(&self, owned: &Owned, creation: &Creation) -> Result<(), Stop> {
        let CreateKey { handle, name, .. } = &creation.request;
        let taken = owned.handles.get(handle).or_else(|| owned.names.get(name));
        if let Some(slot) = taken.and_then(|&position| self.state.slot(position)) {
            return Err(Stop::principal(
                Code::AlreadyExists,
                &slot.subject(),
                "already_exists",
            ));
        }
        let (request, policy) = (&creation.request, creation.policy.hash());
        self.state
            .within_quota(&creation.owner, request, &policy, &self.config.limits)
    }
}

impl Step {
    /// The answer to a repeat: that of the first call, with the place of its leaf.
    pub(crate) fn repeat(answer: Answer, changed: u64, kept: &crate::idempotency::Kept) -> Self {
        let leaf = LoggedLeaf {
            index: kept.index,
            request_salt: kept.remembered.request_salt,
            leaf: None,
            proof: None,
        };
        let needs = changed.max(kept.index.saturating_add(1));
        Self::Ready {
            answer,
            needs,
            leaf: Some(leaf),
        }
    }
}

impl Creation {
    /// Logged, though there is no key yet: its creator would be a principal of it.
    fn refuse_sender(self) -> Step {
        Step::Refuse {
            refusal: Refusal::new(Code::SenderConstraintRequired),
            reason: SENDER,
            draft: Box::new(self.draft),
            of: None,
        }
    }

    /// Generates the material and writes the record. The lineage follows from the leaf.
    pub(crate) fn make(
        &self,
        vault_id: &VaultId,
        ring: &KeyRing,
        rng: &mut dyn Rng,
    ) -> Result<Made, KeyError> {
        let salt = leaf::salt(rng);
        let request_salt = vault_audit::request_salt(&salt);
        let remembered = self.scope.map(|(scope, body)| Remembered {
            scope,
            body,
            request_salt,
        });
        let created = self.generate(remembered, rng)?;
        let change = Change::Create(Box::new(created));
        let record = self
            .draft
            .record(salt, Verdict::Allowed("ok"), change.encode())
            .map_err(|_| KeyError::Library)?;
        let lineage = Lineage::derive(vault_id, &merkle::leaf_hash(&record.leaf));
        let Change::Create(created) = change else {
            return Err(KeyError::Library);
        };
        let policy = Arc::clone(&self.policy);
        let key = LiveKey::from_created(*created, lineage, policy, ring, rng)?;
        Ok(Made {
            key: Arc::new(key),
            record,
            remembered,
        })
    }

    /// The caller's share, or a new secret.
    fn material(&self, rng: &mut dyn Rng) -> Result<KeyMaterial, KeyError> {
        let key_type = self.request.key_type;
        match &self.request.share {
            Some(share) => KeyMaterial::from_secret_bytes(key_type, share, SecretAccess::granted()),
            None => KeyMaterial::generate(key_type, rng),
        }
    }

    fn generate(
        &self,
        remembered: Option<Remembered>,
        rng: &mut dyn Rng,
    ) -> Result<CreatedKey, KeyError> {
        let material = self.material(rng)?;
        Ok(CreatedKey {
            handle: self.request.handle,
            key_type: self.request.key_type,
            version: KeyVersion(1),
            policy_version: PolicyVersion(1),
            created_at: self.created_at,
            name: self.request.name.clone(),
            labels: self.request.labels.clone(),
            policy: self.request.policy.clone(),
            public_key: material.public_key_spki()?.unwrap_or_default(),
            secret: Zeroizing::new(Box::from(material.secret_bytes(SecretAccess::granted()))),
            remembered,
        })
    }
}
