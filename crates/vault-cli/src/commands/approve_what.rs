//! What `approve request` asks for.

use super::approve_request::Known;
use super::key_holders;
use super::profile_promote::digest;
use crate::cli::{ApprovableName, ApproveRequest, DigestName, FormatName, WhatArg};
use crate::context::{Context as Caller, usage};
use crate::files;
use crate::inputs;
use crate::policy_source;
use std::path::Path;
use vault_client::Result;
use vault_client::approval::{ApprovalRequest, Context, Digested, SignatureForm, SignedInput};
use vault_encoding::{Hash, sha256};
use vault_policy::{AttestationProfile, KeyPolicy, KeyType, KeyVersion, PolicyVersion};

/// The files that flags name.
pub(super) struct What {
    /// Of an input that is hashed here, the digest.
    payload: Vec<u8>,
    aad: Vec<u8>,
    signature: Vec<u8>,
    tag: Vec<u8>,
    policy: Option<KeyPolicy>,
    profile: Option<AttestationProfile>,
}

impl What {
    pub(super) fn read(args: &WhatArg) -> Result<Self> {
        let read = |path: &Option<_>| files::read_optional(path.as_deref());
        if let Some(flag) = needs(args) {
            return Err(usage(format_args!("this operation needs {flag}")));
        }
        if let Some(flag) = idle(args) {
            return Err(usage(format_args!("this operation has no use for {flag}")));
        }
        inputs::distinct(named_inputs(args))?;
        let policy = args
            .policy
            .as_deref()
            .map(policy_source::read)
            .transpose()?;
        let profile = args.attestation.as_deref();
        let payload = match (&args.input, args.digest) {
            (Some(path), Some(DigestName::Sha256)) => files::sha256(path)?.0.to_vec(),
            (path, _) => read(path)?,
        };
        Ok(Self {
            payload,
            aad: read(&args.aad)?,
            signature: read(&args.signature)?,
            tag: read(&args.tag)?,
            policy,
            profile: profile.map(policy_source::read_profile).transpose()?,
        })
    }

    /// What a manager must see and no flag gives: of the profile that is to be admitted, the
    /// digest alone is named, and a vault has it.
    pub(super) async fn fetch(&mut self, context: &Caller, args: &ApproveRequest) -> Result<()> {
        let wanted = match args.what.operation {
            ApprovableName::PromoteProfile | ApprovableName::RevokeProfile => named(&args.what)?,
            _ => return Ok(()),
        };
        match &self.profile {
            Some(profile) if profile.digest() == wanted => return Ok(()),
            Some(_) => return Err(usage("--attestation is not the profile of this digest")),
            None => self.profile = pending(context, args, wanted).await?,
        }
        let admits = args.what.operation == ApprovableName::PromoteProfile;
        match admits && self.profile.is_none() {
            false => Ok(()),
            true => Err(usage(
                "no vault shows a pending profile of this digest, and nobody approves one unseen: \
                 give it with --attestation",
            )),
        }
    }

    /// The request, word for word as the call will be.
    pub(super) fn request(&self, args: &WhatArg, known: &Known) -> Result<ApprovalRequest> {
        use ApprovableName as Name;
        let key_version = key_version(args, known);
        let policy_version = || policy_version(known);
        Ok(match args.operation {
            Name::Sign | Name::Verify => self.signature(args, known)?,
            Name::Wrap => ApprovalRequest::Wrap {
                key_version,
                aad: Digested::of(&self.aad),
                payload: Digested::of(&self.payload),
            },
            Name::Unwrap => ApprovalRequest::Unwrap {
                key_version: KeyVersion(0),
                aad: Digested::of(&self.aad),
                payload: Digested::of(&self.payload),
            },
            Name::Mac => ApprovalRequest::Mac {
                key_version,
                payload: Digested::of(&self.payload),
            },
            Name::MacVerify => ApprovalRequest::MacVerify {
                key_version,
                payload: Digested::of(&self.payload),
                tag_sha256: sha256(&self.tag),
            },
            Name::GetPublicKey => ApprovalRequest::GetPublicKey { key_version },
            Name::Reconstruct => ApprovalRequest::Reconstruct { key_version },
            Name::DeleteKey => ApprovalRequest::DeleteKey {
                window: args.window,
            },
            Name::CancelDeletion => ApprovalRequest::CancelDeletion,
            Name::UpdatePolicy => ApprovalRequest::UpdatePolicy {
                expected_version: policy_version()?,
                new_policy_hash: self.new_policy()?.hash(),
            },
            Name::StageProfile => ApprovalRequest::StageProfile {
                policy_version: policy_version()?,
                profile_digest: self.staged()?.digest(),
            },
            Name::PromoteProfile => ApprovalRequest::PromoteProfile {
                policy_version: policy_version()?,
                profile_digest: named(args)?,
            },
            Name::RevokeProfile => ApprovalRequest::RevokeProfile {
                profile_digest: named(args)?,
            },
        })
    }

    fn signature(&self, args: &WhatArg, known: &Known) -> Result<ApprovalRequest> {
        let payload = Digested::of(&self.payload);
        let input = match args.digest {
            None => SignedInput::Message,
            Some(DigestName::Sha256) => SignedInput::Digest,
        };
        let (key_version, format) = (key_version(args, known), format(args, known)?);
        Ok(match (args.operation, input) {
            (ApprovableName::Verify, input) => ApprovalRequest::Verify {
                key_version,
                input,
                payload,
                format,
                signature_sha256: sha256(&self.signature),
            },
            (_, SignedInput::Message) => ApprovalRequest::Sign {
                key_version,
                payload,
                format,
            },
            (_, SignedInput::Digest) => ApprovalRequest::SignDigest {
                key_version,
                payload,
                format,
            },
        })
    }

    fn new_policy(&self) -> Result<&KeyPolicy> {
        self.policy
            .as_ref()
            .ok_or_else(|| usage("--policy is missing"))
    }

    fn staged(&self) -> Result<&AttestationProfile> {
        let profile = self.profile.as_ref();
        profile.ok_or_else(|| usage("--attestation is missing"))
    }

    /// What a wallet shows beside the statements.
    pub(super) fn shown(&self, args: &ApproveRequest, known: &Known) -> Context {
        let policy = known.policy.as_ref();
        let shows = args.show_payload && args.what.input.is_some();
        Context {
            policy: policy.map(|policy| policy.canonical_bytes().to_vec()),
            new_policy: self
                .policy
                .as_ref()
                .map(|policy| policy.canonical_bytes().to_vec()),
            profile: self
                .profile
                .as_ref()
                .map(AttestationProfile::canonical_bytes),
            payload: shows.then(|| self.payload.clone()),
            note: args.note.clone(),
        }
    }
}

/// The profile of this digest, of any vault to which it was proposed and that shows it.
async fn pending(
    context: &Caller,
    args: &ApproveRequest,
    wanted: Hash,
) -> Result<Option<AttestationProfile>> {
    let listed = key_holders::each(context, &args.key, async |connected, key| {
        connected.client.pending_profiles(key.name).await
    })
    .await?;
    let all = listed.succeeded().flat_map(|(_, done)| &done.value);
    let mut read = all.filter_map(|one| AttestationProfile::from_canonical(&one.profile).ok());
    Ok(read.find(|profile| profile.digest() == wanted))
}

fn named_inputs(args: &WhatArg) -> impl Iterator<Item = (&str, &Path)> {
    let files = [
        ("--in", args.input.as_deref()),
        ("--aad", args.aad.as_deref()),
        ("--signature", args.signature.as_deref()),
        ("--tag", args.tag.as_deref()),
        ("--policy", args.policy.as_deref().map(Path::new)),
        ("--attestation", args.attestation.as_deref().map(Path::new)),
    ];
    let given = files.into_iter();
    given.filter_map(|(flag, path)| Some((flag, path?)))
}

/// A flag that says something of other operations.
fn idle(args: &WhatArg) -> Option<&'static str> {
    use ApprovableName as Name;
    let profile = matches!(
        args.operation,
        Name::StageProfile | Name::PromoteProfile | Name::RevokeProfile
    );
    let policy = args.operation == Name::UpdatePolicy;
    let signature = matches!(args.operation, Name::Sign | Name::Verify);
    let given = [
        ("--digest", args.digest.is_some() && !signature),
        ("--policy", args.policy.is_some() && !policy),
        ("--attestation", args.attestation.is_some() && !profile),
    ];
    given
        .into_iter()
        .find_map(|(flag, idle)| idle.then_some(flag))
}

/// The flag without which the operation is none.
fn needs(args: &WhatArg) -> Option<&'static str> {
    use ApprovableName as Name;
    let has = |path: &Option<std::path::PathBuf>| path.as_deref().is_some_and(|_: &Path| true);
    let payload = match args.operation {
        Name::Sign | Name::Verify | Name::Wrap | Name::Unwrap | Name::Mac | Name::MacVerify => {
            !has(&args.input)
        }
        _ => false,
    };
    match args.operation {
        _ if payload => Some("--in"),
        Name::Verify if !has(&args.signature) => Some("--signature"),
        Name::MacVerify if !has(&args.tag) => Some("--tag"),
        Name::UpdatePolicy if args.policy.is_none() => Some("--policy"),
        Name::StageProfile if args.attestation.is_none() => Some("--attestation"),
        Name::PromoteProfile | Name::RevokeProfile if args.digest_of_profile.is_none() => {
            Some("--digest-of-profile")
        }
        _ => None,
    }
}

fn named(args: &WhatArg) -> Result<Hash> {
    digest(args.digest_of_profile.as_deref().unwrap_or_default())
}

/// The primary version; the first where neither metadata nor a flag says so.
fn key_version(args: &WhatArg, known: &Known) -> KeyVersion {
    let said = args.key_version.map(KeyVersion);
    let read = known.info.as_ref().map(|info| info.version);
    said.or(read).unwrap_or(KeyVersion(1))
}

fn policy_version(known: &Known) -> Result<PolicyVersion> {
    let info = known.info.as_ref().ok_or_else(|| {
        usage("the version of the policy is not known to who may not read the key")
    })?;
    Ok(info.policy_version)
}

fn format(args: &WhatArg, known: &Known) -> Result<SignatureForm> {
    let key_type = known.info.as_ref().map(|info| info.key_type);
    match (args.format, key_type) {
        (Some(FormatName::Der), Some(KeyType::Ed25519Signing)) => {
            Err(usage("signatures of Ed25519 are not written in DER"))
        }
        (Some(FormatName::Der), _) => Ok(SignatureForm::Der),
        (Some(FormatName::P1363), _) => Ok(SignatureForm::P1363),
        (None, Some(KeyType::P256Signing)) => Ok(SignatureForm::Der),
        (None, Some(_)) => Ok(SignatureForm::P1363),
        (None, None) => Err(usage("the key's type is not known: say --format")),
    }
}
