//! An entry of the log, for scripts and for people.

use crate::time_text::rfc3339;
use serde_json::{Value, json};
use vault_audit::{Entry, Principal};
use vault_client::{Error, ErrorCode, LogPage, Result};
use vault_encoding::text::hex;

/// An entry that cannot be read is an error, and never skipped.
pub(crate) fn parse(page: &LogPage) -> Result<Vec<(u64, Entry)>> {
    (page.from..)
        .zip(&page.leaves)
        .map(|(at, leaf)| {
            let entry = Entry::from_leaf(leaf).map_err(|error| {
                Error::new(ErrorCode::VerificationFailed)
                    .detail(format_args!("entry {at}: {error}"))
            })?;
            Ok((at, entry))
        })
        .collect()
}

pub(crate) fn to_json(index: u64, entry: &Entry) -> Value {
    let hash = |hash: &Option<vault_encoding::Hash>| hash.map(|hash| hash.to_string());
    json!({
        "index": index,
        "time_lo": entry.time_lo.map(rfc3339),
        "time_hi": entry.time_hi.map(rfc3339),
        "principals": entry.principals.iter().map(principal).collect::<Vec<_>>(),
        "operation": entry.operation,
        "handle": entry.handle,
        "version": entry.version,
        "request_hash": hash(&entry.request_hash),
        "change_hash": hash(&entry.change_hash),
        "policy_hash": hash(&entry.policy_hash),
        "approvals": entry.approvals.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "lineage": hash(&entry.lineage),
        "allowed": entry.allowed,
        "reason": entry.reason,
        "outcome": entry.outcome,
    })
}

fn principal(principal: &Principal) -> Value {
    match principal {
        Principal::Oidc { issuer, subject } => {
            json!({ "kind": "oidc", "issuer": issuer, "subject": subject })
        }
        Principal::Enclave {
            measurement,
            platform,
        } => json!({
            "kind": "enclave",
            "measurement": measurement.to_string(),
            "platform": platform.to_string(),
        }),
        Principal::Certificate { spki } => {
            json!({ "kind": "certificate", "spki": spki.to_string() })
        }
        Principal::Td {
            mrtd,
            platform,
            rtmrs,
        } => {
            let [rtmr0, rtmr1, rtmr2, rtmr3] = rtmrs.each_ref().map(|rtmr| hex(rtmr));
            json!({
                "kind": "td",
                "mrtd": hex(mrtd),
                "platform": platform.to_string(),
                "rtmr0": rtmr0,
                "rtmr1": rtmr1,
                "rtmr2": rtmr2,
                "rtmr3": rtmr3,
            })
        }
    }
}

/// The names of what [`row`] gives.
pub(crate) const HEAD: [&str; 6] = ["index", "time", "who", "operation", "key", "verdict"];

pub(crate) fn row(index: u64, entry: &Entry) -> Vec<String> {
    let who: Vec<_> = entry.principals.iter().map(name).collect();
    let verdict = match (entry.allowed, entry.reason.as_str()) {
        (true, _) => entry.outcome.clone(),
        (false, reason) => format!("refused: {reason}"),
    };
    vec![
        index.to_string(),
        entry.time_lo.map(rfc3339).unwrap_or_default(),
        who.join(" + "),
        entry.operation.clone(),
        entry.handle.clone(),
        verdict,
    ]
}

fn name(principal: &Principal) -> String {
    match principal {
        Principal::Oidc { subject, .. } => subject.clone(),
        Principal::Enclave { measurement, .. } => format!("enclave {}", short(measurement)),
        Principal::Certificate { spki } => format!("certificate {}", short(spki)),
        Principal::Td { mrtd, .. } => {
            let hex: String = hex(mrtd).chars().take(12).collect();
            format!("td {hex}")
        }
    }
}

fn short(hash: &vault_encoding::Hash) -> String {
    hash.to_string().chars().take(12).collect()
}
