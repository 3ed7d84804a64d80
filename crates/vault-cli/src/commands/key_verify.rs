//! `key verify`

use super::key_sign::{format, input};
use crate::cli::KeyVerify;
use crate::context::Context;
use crate::exit::Exit;
use crate::files;
use crate::inputs;
use crate::key_ref;
use crate::output::{self, Human, Output};
use serde_json::json;
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: KeyVerify) -> Result<Output> {
    let named = [
        ("--in", args.input.as_path()),
        ("--signature", args.signature.as_path()),
    ];
    inputs::distinct(named.into_iter().chain(args.approval.named()))?;
    let signature = files::read(&args.signature)?;
    let input = input(&args.input, args.digest)?;
    let (connected, key) = key_ref::locate(context, &args.key).await?;
    let (_, der) = format(&connected, &key, args.format).await?;
    let answer = args
        .approval
        .on(&connected)?
        .verify(key.name, input, signature, der, None)
        .await?;
    let vault = output::vault(&connected.peer, Some(&answer.receipt));
    Ok(verdict(answer.value, vault))
}

/// What verifies ends with 0, what does not with 7.
pub(crate) fn verdict(valid: bool, vault: serde_json::Value) -> Output {
    let text = if valid { "valid" } else { "NOT valid" };
    let exit = if valid {
        Exit::Done
    } else {
        Exit::VerifiedFalse
    };
    Output::new(
        json!({ "valid": valid, "vaults": [vault] }),
        Human::Text(text.to_owned()),
    )
    .exit(exit)
}
