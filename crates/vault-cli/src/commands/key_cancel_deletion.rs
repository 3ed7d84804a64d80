//! `key cancel-deletion`

use super::key_holders::{each, members, told};
use crate::cli::KeyCancelDeletion;
use crate::context::Context;
use crate::output::Output;
use serde_json::json;
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: KeyCancelDeletion) -> Result<Output> {
    let outcomes = each(context, &args.key, async |connected, key| {
        args.approval.on(connected)?.cancel_deletion(key.name).await
    })
    .await?;
    let about = members([("key", json!(args.key.key))]);
    told(context, &outcomes, about, |state| {
        members([("state", json!(state.name()))])
    })
}
