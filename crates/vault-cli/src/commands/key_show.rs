//! `key show`

use super::key_json;
use crate::cli::KeyShow;
use crate::context::{Context, usage};
use crate::files;
use crate::key_ref;
use crate::output::{self, Output};
use crate::place;
use serde_json::{Value, json};
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: KeyShow) -> Result<Output> {
    let (connected, key) = key_ref::locate(context, &args.key).await?;
    let answer = connected.client.get_key(key.name).await?;
    let mut stdout_taken = false;
    if let Some(path) = &args.pem {
        let pem = key_json::public_key_pem(&answer.value)
            .ok_or_else(|| usage("a symmetric key has no public key"))?;
        files::write(path, pem.as_bytes())?;
        stdout_taken = place::is_stdout(path);
    }
    let mut object = key_json::shown(&answer.value);
    let vault = output::vault(&connected.peer, Some(&answer.receipt));
    object.insert("vaults".into(), json!([vault]));
    let output = Output::new(Value::Object(object), key_json::human(&answer.value));
    Ok(Output {
        stdout_taken,
        ..output
    })
}
