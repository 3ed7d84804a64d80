//! `policy diff`

use crate::cli::PolicyDiff;
use crate::inputs;
use crate::output::{Human, Output};
use crate::policy_source;
use serde_json::{Value, json};
use std::path::Path;
use vault_client::Result;
use vault_policy::{Authority, Difference, KeyPolicy, OidcApproval, UpdateDeny, diff, required};

/// What a change takes, or why nothing is enough.
pub(super) type Takes = std::result::Result<Authority, UpdateDeny>;

pub(crate) fn run(args: PolicyDiff) -> Result<Output> {
    let named = [("OLD", &args.old), ("NEW", &args.new)];
    inputs::distinct(named.map(|(name, path)| (name, Path::new(path))))?;
    let old = policy_source::read(&args.old)?;
    let new = policy_source::read(&args.new)?;
    Ok(shown(&old, &new, &required(&old, &new)))
}

/// What differs, and what the change takes.
pub(super) fn shown(old: &KeyPolicy, new: &KeyPolicy, takes: &Takes) -> Output {
    let differences = diff(old, new);
    let json = json!({
        "old_policy_hash": old.hash().to_string(),
        "policy_hash": new.hash().to_string(),
        "differences": differences.iter().map(difference_json).collect::<Vec<_>>(),
        "takes": takes_json(takes),
    });
    let mut lines: Vec<_> = differences.iter().map(line).collect();
    lines.push(in_words(takes));
    Output::new(json, Human::Text(lines.join("\n")))
}

pub(super) fn difference_json(difference: &Difference) -> Value {
    json!({
        "field": difference.field.name(),
        "direction": difference.direction.name(),
        "text": difference.text,
    })
}

pub(super) fn line(difference: &Difference) -> String {
    let direction = difference.direction.name();
    format!("{direction:<8} {}", difference.text)
}

/// The vault judges by the policy in force; so does this.
pub(super) fn takes_json(takes: &Takes) -> Value {
    match takes {
        Ok(Authority { managers, .. }) => json!({
            "possible": true,
            "owner": true,
            "managers": managers.map(|quorum| quorum.threshold.to_string()),
            "oidc": managers.map(|quorum| quorum.oidc == OidcApproval::Allowed),
        }),
        Err(deny) => json!({
            "possible": false,
            "code": deny.code(),
            "message": deny.to_string(),
        }),
    }
}

pub(super) fn in_words(takes: &Takes) -> String {
    match takes {
        Ok(Authority { managers: None, .. }) => "takes: the owner".to_owned(),
        Ok(Authority {
            managers: Some(quorum),
            ..
        }) => {
            let with = match quorum.oidc {
                OidcApproval::Allowed => "passkey or token",
                OidcApproval::Refused => "passkey",
            };
            format!(
                "takes: the owner, and {} of the managers by {with}",
                quorum.threshold
            )
        }
        Err(deny) => format!("cannot be done: {deny}"),
    }
}
