//! `audit export`

use crate::cli::AuditExport;
use crate::context::Context;
use crate::files;
use crate::output::{self, Human, Output};
use crate::pem;
use serde_json::json;
use vault_audit::Export;
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: AuditExport) -> Result<Output> {
    let connected = context.connect().await?;
    let log = connected.client.whole_log().await?;
    let export = Export {
        leaves: log.leaves,
        checkpoints: vec![log.head.checkpoint.clone()],
    };
    files::write(&args.out, &export.to_bytes())?;
    if let Some(path) = &args.identity {
        let pem = pem::encode("PUBLIC KEY", &connected.peer.claims.identity_key);
        files::write(path, pem.as_bytes())?;
    }
    if let Some(path) = &args.checkpoint {
        files::write(path, &log.head.checkpoint)?;
    }
    let json = json!({
        "size": log.head.size,
        "root": log.head.root.to_string(),
        "checkpoint": String::from_utf8_lossy(&log.head.checkpoint),
        "vaults": [output::vault(&connected.peer, None)],
    });
    let human = Human::Fields(vec![
        ("entries", log.head.size.to_string()),
        ("root", log.head.root.to_string()),
    ]);
    Ok(Output {
        stdout_taken: files::is_dash(&args.out),
        ..Output::new(json, human)
    })
}
