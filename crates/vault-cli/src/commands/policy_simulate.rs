//! `policy simulate`

use super::policy_explain;
use crate::cli::PolicySimulate;
use crate::context::usage;
use crate::exit::Exit;
use crate::output::{Human, Output};
use crate::policy_source;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};
use vault_client::Result;
use vault_encoding::Hash;
use vault_policy::{
    Action, Approved, Approver, CertificateFacts, Credential, Facts, Fido2Credential, KeyHandle,
    KeyPolicy, KeySubject, KeyType, KeyVersion, Lineage, PolicyVersion, SenderConstraint,
    TokenFacts, UnixSeconds, VaultTime, sender_allows, simulate, type_allows, usage_allows,
};

pub(crate) fn run(args: PolicySimulate) -> Result<Output> {
    let policy = policy_source::read(&args.file)?;
    let action = action(&args.operation)?;
    let now = time(args.at);
    let facts = facts(&policy, &args, now)?;
    let outcome = simulate(&policy, action, &subject(&policy), &facts, now);
    let deny = outcome.deny.as_ref();
    let judged = match deny {
        Some(deny) => Judged {
            reason: Some(deny.code()),
            text: format!("refused: {deny}"),
            rule: deny.rule(),
            condition: deny.condition(),
            missing: outcome.missing.iter().map(ToString::to_string).collect(),
        },
        None => behind_the_policy(&policy, args.key_type.map(Into::into), action, &facts),
    };
    Ok(output(&judged))
}

struct Judged<'a> {
    /// `None` if it is allowed.
    reason: Option<&'static str>,
    text: String,
    rule: Option<&'a str>,
    condition: Option<&'a str>,
    missing: Vec<String>,
}

/// The gates behind the policy, in the order of a vault; those of the key's type where it is said.
fn behind_the_policy<'a>(
    policy: &KeyPolicy,
    key_type: Option<KeyType>,
    action: Action,
    facts: &Facts,
) -> Judged<'a> {
    let mut gates = Vec::new();
    if let Some(key_type) = key_type {
        let bound = sender_allows(key_type, facts);
        gates.push((bound, "sender", "a token that is bound to its sender"));
    }
    if let Action::Operation(operation) = action {
        let used = usage_allows(policy.usage(), operation);
        let words = "a usage of the key that has this operation";
        gates.push((used, "usage", words));
        let able = key_type.is_none_or(|key_type| type_allows(key_type, operation));
        gates.push((able, "type", "a key of another type"));
    }
    let shut = gates.into_iter().find(|(open, ..)| !open);
    let (reason, missing) = shut
        .map(|(_, code, words)| (code, words.to_owned()))
        .unzip();
    Judged {
        reason,
        text: reason.map_or_else(|| "allowed".to_owned(), |code| format!("refused: {code}")),
        rule: None,
        condition: None,
        missing: missing.into_iter().collect(),
    }
}

fn output(judged: &Judged<'_>) -> Output {
    let json = json!({
        "allowed": judged.reason.is_none(),
        "reason": judged.reason,
        "rule": judged.rule,
        "condition": judged.condition,
        "missing": judged.missing,
    });
    let mut lines = vec![judged.text.clone()];
    let missing = judged.missing.iter();
    lines.extend(missing.map(|missing| format!("  missing: {missing}")));
    let exit = match judged.reason {
        None => Exit::Done,
        Some(_) => Exit::Refused,
    };
    Output::new(json, Human::Text(lines.join("\n"))).exit(exit)
}

fn action(name: &str) -> Result<Action> {
    Ok(match name {
        "get_key" => Action::GetKey,
        "get_policy" => Action::GetPolicy,
        "delete_key" => Action::Delete,
        "list_profiles" => Action::ListProfiles,
        "cancel_deletion" => Action::CancelDeletion,
        operation => Action::Operation(policy_explain::operation(operation)?),
    })
}

fn time(at: Option<u64>) -> VaultTime {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).ok();
    match at.or_else(|| now().map(|since| since.as_secs())) {
        Some(seconds) => {
            let now = UnixSeconds(seconds);
            VaultTime::Known { lo: now, hi: now }
        }
        None => VaultTime::Unknown,
    }
}

/// The decision does not look at it.
fn subject(policy: &KeyPolicy) -> KeySubject {
    KeySubject {
        handle: KeyHandle([0; 16]),
        lineage: Lineage(Hash([0; 32])),
        version: KeyVersion(1),
        policy_hash: policy.hash(),
        policy_version: PolicyVersion(1),
    }
}

fn facts(policy: &KeyPolicy, args: &PolicySimulate, now: VaultTime) -> Result<Facts> {
    let token = args.issuer.clone().zip(args.subject.clone());
    let token = token.map(|(issuer, subject)| TokenFacts {
        issuer,
        subject,
        roles: args.role.iter().cloned().collect(),
        expires_at: UnixSeconds(u64::MAX),
        constraint: SenderConstraint::Dpop,
    });
    let mut approvals = Vec::new();
    for name in &args.approved_by {
        approvals.push(Approved {
            by: approver(policy, name)?,
            begun: now,
        });
    }
    if args.second_factor {
        approvals.push(Approved {
            by: second_factor(policy)?,
            begun: now,
        });
    }
    Ok(Facts {
        token,
        approvals,
        certificate: certificate(args)?,
        ..Facts::default()
    })
}

/// `None` if nothing is said of one.
fn certificate(args: &PolicySimulate) -> Result<Option<CertificateFacts>> {
    let hash = |text: &String| {
        Hash::from_hex(text).ok_or_else(|| usage(format_args!("`{text}` is not 32 bytes in hex")))
    };
    let spki = args.certificate_key.as_ref().map(hash).transpose()?;
    let sans: BTreeSet<_> = args.certificate_name.iter().cloned().collect();
    let issuers = args.certificate_authority.iter().map(hash);
    let issuers: BTreeSet<_> = issuers.collect::<Result<_>>()?;
    let nothing = spki.is_none() && sans.is_empty() && issuers.is_empty();
    Ok((!nothing).then(|| CertificateFacts {
        // A key that is not said is nobody's.
        spki: spki.unwrap_or(Hash([0; 32])),
        sans,
        issuers,
    }))
}

/// By a passkey where the person has one.
fn approver(policy: &KeyPolicy, name: &str) -> Result<Approver> {
    let managers = &policy.fields().principals.managers;
    let person = managers.iter().find(|person| person.id == name);
    let person = person.ok_or_else(|| usage(format_args!("no manager `{name}` in the policy")))?;
    let passkey = person
        .credentials
        .iter()
        .find_map(|credential| match credential {
            Credential::Fido2(credential) => Some(by_passkey(credential)),
            Credential::Oidc(_) => None,
        });
    let token = person
        .credentials
        .iter()
        .find_map(|credential| match credential {
            Credential::Oidc(subject) => Some(Approver::Oidc(subject.clone())),
            Credential::Fido2(_) => None,
        });
    passkey
        .or(token)
        .ok_or_else(|| usage(format_args!("manager `{name}` has no credential")))
}

fn second_factor(policy: &KeyPolicy) -> Result<Approver> {
    let factor = &policy.fields().principals.owner.second_factor;
    let factor = factor.as_ref();
    factor
        .map(by_passkey)
        .ok_or_else(|| usage("the policy asks the owner for no second factor"))
}

fn by_passkey(credential: &Fido2Credential) -> Approver {
    Approver::Fido2 {
        credential_id: credential.credential_id.clone(),
        public_key: credential.public_key.clone(),
    }
}
