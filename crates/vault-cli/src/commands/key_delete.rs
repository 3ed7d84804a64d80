//! `key delete`

use super::key_json;
use crate::cli::KeyDelete;
use crate::context::Context;
use crate::key_ref;
use crate::output::{self, Human, Output};
use serde_json::{Value, json};
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: KeyDelete) -> Result<Output> {
    let (connected, key) = key_ref::locate(context, &args.key).await?;
    if args.dry_run {
        let info = key.info(&connected.client).await?;
        let mut object = key_json::shown(&info);
        object.insert("dry_run".into(), json!(true));
        object.insert(
            "vaults".into(),
            json!([output::vault(&connected.peer, None)]),
        );
        context.note("would be destroyed, for ever:");
        return Ok(Output::new(Value::Object(object), key_json::human(&info)));
    }
    let deleted = connected.client.delete_key(key.name).await?;
    let state = deleted.value.state.name();
    let index = deleted.value.tombstone_index;
    let json = json!({
        "handle": key.name.handle.to_string(),
        "state": state,
        "tombstone_index": index,
        "vaults": [output::vault(&connected.peer, Some(&deleted.receipt))],
    });
    let human = Human::Fields(vec![
        ("handle", key.name.handle.to_string()),
        ("state", state.to_owned()),
        ("tombstone", format!("entry {index} of the log")),
    ]);
    Ok(Output::new(json, human))
}
