//! `approve list`

use super::approve_register;
use crate::cli::{ApproveList, RelayArg};
use crate::context::{Context, usage};
use crate::output::{Human, Output};
use crate::time_text::rfc3339;
use serde_json::{Value, json};
use vault_client::Result;
use vault_client::approval::{Relay, mailbox};
use vault_encoding::text;

pub(crate) async fn run(context: &Context, args: ApproveList) -> Result<Output> {
    let id = match (&args.credential, &args.id) {
        (Some(path), _) => approve_register::read(path)?.credential_id().to_vec(),
        (None, Some(id)) => text::unbase64url(id).ok_or_else(|| usage("--id is not base64url"))?,
        (None, None) => return Err(usage("--credential or --id is missing")),
    };
    let waiting = args.relay.required(context)?.waiting(&mailbox(&id)).await?;
    let requests: Value = waiting
        .iter()
        .map(|one| json!({ "id": one.id, "expires_at": rfc3339(one.expires_at) }))
        .collect();
    let rows = waiting.iter();
    let rows = rows.map(|one| vec![one.id.clone(), rfc3339(one.expires_at)]);
    let human = Human::Table {
        head: vec!["id", "expires"],
        rows: rows.collect(),
    };
    Ok(Output::new(json!({ "requests": requests }), human))
}

impl RelayArg {
    /// The relay, if one is named.
    pub(super) fn open(&self, context: &Context) -> Result<Option<Relay>> {
        let relay = self.relay.as_deref();
        let relay = relay.filter(|url| !url.is_empty());
        relay
            .map(|url| Relay::new(url, context.timeout()))
            .transpose()
    }

    pub(super) fn required(&self, context: &Context) -> Result<Relay> {
        let relay = self.open(context)?;
        relay.ok_or_else(|| usage("no relay: give --relay or set EVAULT_RELAY"))
    }
}
