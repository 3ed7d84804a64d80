//! What vaults and `evault` make of each file of a folder, a line each: one half of the test that the wallet reads the
//! same (`wallet/test/vaults/verdicts.test.ts`).
//!
//! `vault-verdicts FORMAT FOLDER`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use vault_approval::{ApprovalAnswer, ApprovalRequest, Bundle, Decision, Statement};
use vault_client::approval::Gesture;
use vault_client::fuzzing::{Relayed, relayed};
use vault_encoding::{Canonical, Hash, Json, Limits, sha256, text::base64url};
use vault_policy::{AttestationProfile, Credential, Fido2Credential, KeyPolicy, diff};

#[path = "../../../vault-cli/src/commands/approve_review.rs"]
#[allow(dead_code, reason = "the client's")]
mod approve_review;
#[cfg(test)]
#[path = "../../../vault-cli/src/policy_text.rs"]
#[allow(dead_code, reason = "the client's")]
mod policy_text;

const USAGE: &str = "usage: vault-verdicts FORMAT FOLDER";

/// Those of the fuzz target `json`.
const LIMITS: Limits = Limits {
    bytes: 1 << 16,
    depth: 16,
    nodes: 4096,
};

type Verdict = fn(&[u8]) -> String;

const FORMATS: &[(&str, Verdict)] = &[
    ("json", json),
    ("policy", policy),
    ("statement", statement),
    ("bundle", bundle),
    ("answer", answer),
    ("assertion", assertion),
    ("relay", mailbox),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let told = match arguments.as_slice() {
        [format, folder] => told(format, Path::new(folder)),
        _ => Err(USAGE.to_owned()),
    };
    match told {
        Ok(lines) => {
            print!("{lines}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn told(format: &str, folder: &Path) -> Result<String, String> {
    let files = files(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    if format == "changes" {
        return Ok(changes(&files));
    }
    let known = FORMATS.iter().find(|(name, _)| *name == format);
    let (_, verdict) = known.ok_or(USAGE)?;
    let line = |(name, bytes): &File| format!("{name}\t{}\n", verdict(bytes));
    Ok(files.iter().map(line).collect())
}

type File = (String, Vec<u8>);

fn files(folder: &Path) -> std::io::Result<Vec<File>> {
    let paths: Result<BTreeSet<PathBuf>, _> = std::fs::read_dir(folder)?
        .map(|entry| Ok::<_, std::io::Error>(entry?.path()))
        .collect();
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    paths?
        .into_iter()
        .filter_map(|path| Some((name(&path)?, path)))
        .filter(|(_, path)| path.is_file())
        .map(|(name, path)| Ok((name, std::fs::read(path)?)))
        .collect()
}

fn json(data: &[u8]) -> String {
    let Ok(json) = Json::parse(data, LIMITS) else {
        return "refused".to_owned();
    };
    let kind = match Canonical::from_bytes(data, LIMITS) {
        Ok(_) => "canonical",
        Err(_) => "json",
    };
    let mut text = Vec::new();
    render(&json, &mut text);
    format!("{kind} {}", sha256(&text))
}

/// Every value by its kind, members in the order of the bytes of their names.
fn render(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::Null => out.extend(b"null"),
        Json::Bool(value) => out.extend(value.to_string().bytes()),
        Json::Number(digits) => out.extend(format!("#{digits}").bytes()),
        Json::Text(text) => out.extend(Canonical::text(text).to_bytes()),
        Json::List(items) => {
            out.push(b'[');
            items.iter().for_each(|item| render(item, out));
            out.push(b']');
        }
        Json::Map(members) => {
            out.push(b'{');
            for (name, value) in members {
                out.extend(Canonical::text(name).to_bytes());
                render(value, out);
            }
            out.push(b'}');
        }
    }
}

fn policy(data: &[u8]) -> String {
    let (policy, profile) = (
        KeyPolicy::from_canonical(data),
        AttestationProfile::from_canonical(data),
    );
    match (policy, profile) {
        (Ok(policy), _) => format!("policy {} {}", policy.hash(), people(&policy)),
        (_, Ok(profile)) => format!("profile {}", profile.digest()),
        (Err(policy), Err(profile)) => format!("refused {} {}", policy.code(), profile.code()),
    }
}

/// Who may approve, and by what: of each person the name and their credentials, the owner last.
fn people(policy: &KeyPolicy) -> Hash {
    let principals = &policy.fields().principals;
    let managers = principals.managers.iter();
    let managers = managers.map(|person| {
        let credentials = person
            .credentials
            .iter()
            .map(|credential| match credential {
                Credential::Fido2(fido2) => passkey(fido2),
                Credential::Oidc(oidc) => texts(&[&oidc.issuer, &oidc.subject]),
            });
        Canonical::list([texts(&[&person.id]), Canonical::set(credentials)])
    });
    let factor = principals.owner.second_factor.iter();
    let owner = factor.map(|factor| Canonical::list([passkey(factor)]));
    sha256(&Canonical::list(managers.chain(owner)).to_bytes())
}

fn passkey(of: &Fido2Credential) -> Canonical {
    let (id, key) = (base64url(&of.credential_id), base64url(&of.public_key));
    let mut said = vec![of.algorithm.name(), &id, &key, &of.rp_id];
    said.extend(of.origins.iter().map(String::as_str));
    texts(&said)
}

fn texts(items: &[&str]) -> Canonical {
    Canonical::list(items.iter().map(Canonical::text))
}

fn statement(data: &[u8]) -> String {
    if let Ok(request) = ApprovalRequest::parse(data) {
        return format!("request {}", request.operation());
    }
    match Statement::parse(data) {
        Ok(it) => format!(
            "statement {} {} {} {} {}",
            it.request.operation(),
            it.handle,
            it.vault_id,
            it.policy_version,
            it.not_after
        ),
        Err(_) => "refused".to_owned(),
    }
}

fn bundle(data: &[u8]) -> String {
    let Ok(read) = Bundle::parse(data) else {
        return "refused".to_owned();
    };
    let Ok(gesture) = Gesture::of(read) else {
        return "several".to_owned();
    };
    let Ok(challenge) = gesture.challenge() else {
        return "refused".to_owned();
    };
    match approve_review::Review::of(&gesture) {
        Ok(_) => format!("shown {challenge}"),
        Err(_) => format!("not shown {challenge}"),
    }
}

fn answer(data: &[u8]) -> String {
    let Ok(answer) = ApprovalAnswer::parse(data) else {
        return "refused".to_owned();
    };
    let kind = match answer.decision {
        Decision::Approve(_) => "approve",
        Decision::ApproveByToken(_) => "token",
        Decision::Refuse => "refuse",
    };
    format!("{kind} {}", sha256(&answer.to_json()))
}

fn assertion(data: &[u8]) -> String {
    match vault_fuzz::assertion::verdict(data) {
        None => "too short".to_owned(),
        Some(Ok(_)) => "accepted".to_owned(),
        Some(Err(fault)) => fault.code().to_owned(),
    }
}

/// Of what a relay may bring, what waits in a mailbox; the first two bytes say what it is.
fn mailbox(data: &[u8]) -> String {
    let body = match data {
        [mode, 0, body @ ..] if mode % 6 == 5 => body,
        _ => return "no mailbox".to_owned(),
    };
    match relayed(200, body) {
        Some(Relayed::Waiting(Ok(waiting))) => {
            let waiting = waiting
                .iter()
                .map(|one| format!(" {}@{}", one.id, one.expires_at));
            format!("waiting{}", waiting.collect::<String>())
        }
        _ => "refused".to_owned(),
    }
}

/// What an edit from each policy to those that are next to it comes to, and back: by field, in which directions.
fn changes(files: &[File]) -> String {
    let mut policies: Vec<(&[u8], &str, KeyPolicy)> = files
        .iter()
        .filter_map(|(name, bytes)| {
            let policy = KeyPolicy::from_canonical(bytes).ok()?;
            Some((bytes.as_slice(), name.as_str(), policy))
        })
        .collect();
    policies.sort_by_key(|(bytes, _, _)| *bytes);
    let pairs = policies.windows(2).filter_map(|pair| match pair {
        [(_, one, old), (_, other, new)] => {
            Some(change(one, old, other, new) + &change(other, new, one, old))
        }
        _ => None,
    });
    pairs.collect()
}

fn change(one: &str, old: &KeyPolicy, other: &str, new: &KeyPolicy) -> String {
    let said = diff(old, new).into_iter();
    let said: BTreeSet<String> = said
        .map(|it| format!(" {}:{}", it.field.name(), it.direction.name()))
        .collect();
    let said: String = said.into_iter().collect();
    format!("{one} {other}\tchange{said}\n")
}
