//! `policy lint`

use crate::cli::PolicyLint;
use crate::exit::Exit;
use crate::output::{Human, Output};
use crate::policy_source;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use vault_client::Result;
use vault_policy::{Finding, UnixSeconds, VaultTime, lint, validate};

pub(crate) fn run(args: PolicyLint) -> Result<Output> {
    let policy = policy_source::read(&args.file)?;
    if let Some(key_type) = args.key_type {
        validate(&policy, key_type.into(), host_time())
            .map_err(|invalid| policy_source::refused(&args.file, &invalid.to_string()))?;
    }
    let findings = lint(&policy);
    let json = json!({
        "policy_hash": policy.hash().to_string(),
        "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
    });
    if findings.is_empty() {
        return Ok(Output::new(json, Human::Text("no findings".to_owned())));
    }
    let human = Human::Table {
        head: vec!["code", "rule", "condition", "message"],
        rows: findings.into_iter().map(row).collect(),
    };
    Ok(Output::new(json, human).exit(Exit::VerifiedFalse))
}

pub(super) fn host_time() -> VaultTime {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => {
            let now = UnixSeconds(since.as_secs());
            VaultTime::Known { lo: now, hi: now }
        }
        Err(_) => VaultTime::Unknown,
    }
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule,
        "condition": finding.condition,
        "code": finding.code,
        "message": finding.message,
    })
}

fn row(finding: Finding) -> Vec<String> {
    vec![
        finding.code.to_owned(),
        finding.rule,
        finding.condition,
        finding.message,
    ]
}
