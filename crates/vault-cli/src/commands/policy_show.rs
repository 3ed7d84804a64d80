//! `policy show`

use super::policy_template::show;
use crate::cli::PolicyShow;
use crate::context::Context;
use crate::key_ref;
use crate::output::{self, Output};
use serde_json::json;
use vault_client::{Error, ErrorCode, Result};
use vault_policy::KeyPolicy;

pub(crate) async fn run(context: &Context, args: PolicyShow) -> Result<Output> {
    let (connected, key) = key_ref::locate(context, &args.key).await?;
    let answer = connected.client.policy(key.name).await?;
    let (canonical, version) = answer.value;
    let policy = KeyPolicy::from_canonical(&canonical)
        .map_err(|error| Error::new(ErrorCode::Internal).detail(error))?;
    let mut output = show(&policy, args.format)?;
    if let Some(object) = output.json.as_object_mut() {
        let vault = output::vault(&connected.peer, Some(&answer.receipt));
        object.insert("policy_version".into(), json!(version.0));
        object.insert("vaults".into(), json!([vault]));
    }
    Ok(output)
}
