//! `approve show`

use super::approve_json;
use super::approve_review::Review;
use crate::asked::Asked;
use crate::cli::{ApproveShow, RelayArg};
use crate::context::Context;
use crate::files;
use crate::output::Output;
use crate::place;
use serde_json::Value;
use std::path::Path;
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: ApproveShow) -> Result<Output> {
    let asked = find(context, &args.what, &args.relay).await?;
    let review = Review::of(&asked.gesture)?;
    if let Some(out) = &args.out {
        files::write(out, &asked.to_file()?)?;
    }
    let stdout_taken = args.out.as_deref().is_some_and(place::is_stdout);
    let json = Value::Object(approve_json::asked(&asked, &review)?);
    Ok(Output {
        stdout_taken,
        ..Output::new(json, approve_json::human(&asked, &review, None)?)
    })
}

/// What a file holds, or what waits at the relay under this id.
pub(super) async fn find(context: &Context, what: &str, relay: &RelayArg) -> Result<Asked> {
    if is_file(what) {
        return Asked::load(&[Path::new(what)]);
    }
    let relay = relay.required(context)?;
    let gesture = relay.bundle(what).await?;
    let challenge = gesture.challenge()?;
    let mut answers = relay.answers(what).await?;
    answers.retain(|answer| answer.challenge == challenge);
    Ok(Asked { gesture, answers })
}

/// Ids have neither dots nor slashes, and are no names of files.
pub(super) fn is_file(what: &str) -> bool {
    what == "-" || what.contains(['.', '/']) || Path::new(what).exists()
}
