//! `profile promote`

use super::key_holders::{each, members, new_policy, told};
use crate::cli::ProfilePromote;
use crate::context::{Context, usage};
use crate::output::Output;
use serde_json::json;
use vault_client::Result;
use vault_encoding::Hash;
use vault_policy::PolicyVersion;

pub(crate) async fn run(context: &Context, args: ProfilePromote) -> Result<Output> {
    let digest = digest(&args.digest)?;
    let outcomes = each(context, &args.key, async |connected, key| {
        let expected = match args.expected_version {
            Some(version) => PolicyVersion(version),
            None => key.info(&connected.client).await?.policy_version,
        };
        let client = args.approval.on(connected)?;
        client.promote_profile(key.name, digest, expected).await
    })
    .await?;
    let about = members([("profile_digest", json!(args.digest))]);
    told(context, &outcomes, about, new_policy)
}

pub(super) fn digest(hex: &str) -> Result<Hash> {
    Hash::from_hex(hex).ok_or_else(|| usage("--digest is not the digest of a profile"))
}
