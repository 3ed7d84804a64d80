//! `profile stage`

use super::key_holders::{each, members, told};
use crate::cli::ProfileStage;
use crate::context::Context;
use crate::output::Output;
use crate::policy_source;
use serde_json::json;
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: ProfileStage) -> Result<Output> {
    let profile = policy_source::read_profile(&args.attestation)?;
    let canonical = profile.canonical_bytes();
    let outcomes = each(context, &args.key, async |connected, key| {
        let client = args.approval.on(connected)?;
        client.stage_profile(key.name, canonical.clone()).await
    })
    .await?;
    let about = members([
        ("profile_digest", json!(profile.digest().to_string())),
        ("name", json!(profile.name)),
    ]);
    told(context, &outcomes, about, |digest| {
        members([("profile_digest", json!(digest.to_string()))])
    })
}
