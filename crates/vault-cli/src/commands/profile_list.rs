//! `profile list`

use super::key_holders::{Done, each, members, told};
use crate::cli::ProfileList;
use crate::context::Context;
use crate::output::{Human, Output};
use crate::policy_source;
use crate::time_text::rfc3339;
use serde_json::{Value, json};
use vault_client::constellation::Outcomes;
use vault_client::{PendingProfile, Result};
use vault_policy::AttestationProfile;

pub(crate) async fn run(context: &Context, args: ProfileList) -> Result<Output> {
    let outcomes = each(context, &args.key, async |connected, key| {
        connected.client.pending_profiles(key.name).await
    })
    .await?;
    let about = members([("key", json!(args.key.key))]);
    let output = told(context, &outcomes, about, |profiles| {
        members([("profiles", profiles.iter().map(to_json).collect())])
    })?;
    match output.failure {
        None => Ok(Output {
            human: human(&outcomes),
            ..output
        }),
        Some(_) => Ok(output),
    }
}

fn to_json(pending: &PendingProfile) -> Value {
    json!({
        "profile_digest": pending.digest.to_string(),
        "profile": shown(pending),
        "staged_at": pending.staged_at.map(rfc3339),
        "staged_by": pending.staged_by,
    })
}

/// The profile; null if it is not one that this program knows.
fn shown(pending: &PendingProfile) -> Value {
    match AttestationProfile::from_canonical(&pending.profile) {
        Ok(profile) if profile.digest() == pending.digest => {
            policy_source::to_value(&profile.to_canonical())
        }
        _ => Value::Null,
    }
}

fn human(outcomes: &Outcomes<Done<Vec<PendingProfile>>>) -> Human {
    let mut rows = Vec::new();
    for (vault, done) in outcomes.succeeded() {
        for pending in &done.value {
            let profile = shown(pending);
            let name = profile.get("name").and_then(Value::as_str);
            rows.push(vec![
                vault.to_string(),
                pending.digest.to_string(),
                name.unwrap_or("(unknown)").to_owned(),
                pending.staged_at.map_or_else(String::new, rfc3339),
                pending.staged_by.clone(),
            ]);
        }
    }
    for (vault, error) in outcomes.failed() {
        rows.push(vec![vault.to_string(), error.message()]);
    }
    Human::Table {
        head: vec!["vault", "digest", "name", "staged", "by"],
        rows,
    }
}
