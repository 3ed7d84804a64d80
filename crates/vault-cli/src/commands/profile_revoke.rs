//! `profile revoke`

use super::key_holders::{each, members, told};
use super::profile_promote::digest;
use crate::cli::ProfileRevoke;
use crate::context::Context;
use crate::output::Output;
use serde_json::{Map, json};
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: ProfileRevoke) -> Result<Output> {
    let digest = digest(&args.digest)?;
    let outcomes = each(context, &args.key, async |connected, key| {
        let client = args.approval.on(connected)?;
        client.revoke_profile(key.name, digest).await
    })
    .await?;
    let about = members([("profile_digest", json!(args.digest))]);
    told(context, &outcomes, about, |()| Map::new())
}
