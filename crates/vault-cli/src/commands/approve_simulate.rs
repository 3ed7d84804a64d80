//! `approve request --dry-run`

use super::approve_request::Known;
use super::approve_what::What;
use super::key_holders::{each, members, told};
use crate::cli::ApproveRequest;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::Output;
use serde_json::json;
use vault_client::Result;

pub(super) async fn run(context: &Context, args: &ApproveRequest) -> Result<Output> {
    let what = What::read(&args.what)?;
    let known = Known::of(context, &args.key).await?;
    let request = what.request(&args.what, &known)?;
    let outcomes = each(context, &args.key, async |connected, key| {
        connected.client.simulate(key.name, &request).await
    })
    .await?;
    let about = members([
        ("dry_run", json!(true)),
        ("operation", json!(request.operation())),
    ]);
    let output = told(context, &outcomes, about, |simulated| {
        members([
            ("allowed", json!(simulated.allowed)),
            ("code", json!(simulated.code)),
            ("rule", json!(simulated.rule)),
            ("condition", json!(simulated.condition)),
            ("missing", json!(simulated.missing)),
        ])
    })?;
    let refused = outcomes.succeeded().any(|(_, done)| !done.value.allowed);
    match output.exit {
        Exit::Done if refused => Ok(output.exit(Exit::Refused)),
        _ => Ok(output),
    }
}
