//! `audit read`

use super::audit_entry::{HEAD, parse, row, to_json};
use crate::cli::AuditRead;
use crate::context::{Context, usage};
use crate::output::{self, Human, Output};
use serde_json::json;
use vault_client::{LogReader, Result};

pub(crate) async fn run(context: &Context, args: AuditRead) -> Result<Output> {
    let connected = context.connect().await?;
    let mut reader = LogReader::new(connected.client.clone());
    let head = reader.advance().await?;
    let to = args.to.unwrap_or(head.size);
    if args.from > to || to > head.size {
        let size = head.size;
        return Err(usage(format_args!("no such entries: there are {size}")));
    }
    let mut entries = Vec::new();
    if args.from < to {
        reader.seek(args.from).await?;
        while let Some(page) = reader.next(to).await? {
            entries.extend(parse(&page)?);
        }
    }
    let json = json!({
        "entries": entries.iter().map(|(at, entry)| to_json(*at, entry)).collect::<Vec<_>>(),
        "size": head.size,
        "root": head.root.to_string(),
        "vaults": [output::vault(&connected.peer, None)],
    });
    let human = Human::Table {
        head: HEAD.to_vec(),
        rows: entries.iter().map(|(at, entry)| row(*at, entry)).collect(),
    };
    Ok(Output::new(json, human))
}
