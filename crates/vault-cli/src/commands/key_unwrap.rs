//! `key unwrap`: the plaintext goes where it is asked to go, and nowhere else.

use crate::cli::{KeyUnwrap, OutputFormat};
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

pub(crate) async fn run(context: &Context, args: KeyUnwrap) -> Result<Output> {
    let aad = args.aad.as_deref().map(|path| ("--aad", path));
    let named = [("--in", args.input.as_path())].into_iter().chain(aad);
    inputs::distinct(named.chain(args.approval.named()))?;
    let ciphertext = files::read(&args.input)?;
    let aad = files::read_optional(args.aad.as_deref())?;
    let (connected, key) = key_ref::locate(context, &args.key).await?;
    let answer = args
        .approval
        .on(&connected)?
        .unwrap(key.name, ciphertext, aad)
        .await?;
    let mut json = json!({
        "version": answer.value.version.0,
        "vaults": [output::vault(&connected.peer, Some(&answer.receipt))],
    });
    let to_stdout = place::is_stdout(&args.out);
    if to_stdout && context.global.output == OutputFormat::Json {
        if let Some(object) = json.as_object_mut() {
            object.insert(
                "plaintext_b64".into(),
                json!(STANDARD.encode(&answer.value.bytes)),
            );
        }
        return Ok(Output::new(json, Human::Silent));
    }
    files::write(&args.out, &answer.value.bytes)?;
    Ok(Output {
        stdout_taken: to_stdout,
        ..Output::new(json, Human::Silent)
    })
}
