//! `key mac`

use super::key_verify::verdict;
use crate::cli::KeyMac;
use crate::context::Context;
use crate::files;
use crate::inputs;
use crate::key_ref;
use crate::output::{self, Human, Output};
use crate::place;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: KeyMac) -> Result<Output> {
    let tag = args.verify.as_deref().map(|path| ("--verify", path));
    let named = [("--in", args.input.as_path())].into_iter().chain(tag);
    inputs::distinct(named.chain(args.approval.named()))?;
    let message = files::read(&args.input)?;
    let (connected, key) = key_ref::locate(context, &args.key).await?;
    if let Some(path) = &args.verify {
        let tag = files::read(path)?;
        let answer = args
            .approval
            .on(&connected)?
            .mac_verify(key.name, message, tag, None)
            .await?;
        let vault = output::vault(&connected.peer, Some(&answer.receipt));
        return Ok(verdict(answer.value, vault));
    }
    let answer = args.approval.on(&connected)?.mac(key.name, message).await?;
    let tag_b64 = STANDARD.encode(&answer.value.bytes);
    let json = json!({
        "tag_b64": tag_b64,
        "version": answer.value.version.0,
        "vaults": [output::vault(&connected.peer, Some(&answer.receipt))],
    });
    match &args.out {
        Some(path) => {
            files::write(path, &answer.value.bytes)?;
            let stdout_taken = place::is_stdout(path);
            Ok(Output {
                stdout_taken,
                ..Output::new(json, Human::Silent)
            })
        }
        None => Ok(Output::new(json, Human::Text(tag_b64))),
    }
}
