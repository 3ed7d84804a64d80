//! `key wrap`

use crate::cli::KeyWrap;
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

pub(crate) async fn run(context: &Context, args: KeyWrap) -> Result<Output> {
    let aad = args.aad.as_deref().map(|path| ("--aad", path));
    let named = [("--in", args.input.as_path())].into_iter().chain(aad);
    inputs::distinct(named.chain(args.approval.named()))?;
    let plaintext = files::read(&args.input)?;
    let aad = files::read_optional(args.aad.as_deref())?;
    let (connected, key) = key_ref::locate(context, &args.key).await?;
    let answer = args
        .approval
        .on(&connected)?
        .wrap(key.name, plaintext, aad)
        .await?;
    let ciphertext_b64 = STANDARD.encode(&answer.value.bytes);
    let json = json!({
        "ciphertext_b64": ciphertext_b64,
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
        None => Ok(Output::new(json, Human::Text(ciphertext_b64))),
    }
}
