//! `key delete`

use super::key_json;
use crate::cli::KeyDelete;
use crate::context::Context;
use crate::key_ref;
use crate::output::{self, Human, Output};
use crate::time_text::rfc3339;
use serde_json::{Map, Value, json};
use vault_client::{Deleted, Result};
use vault_policy::KeyHandle;

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
    let client = args.approval.on(&connected)?;
    let deleted = client.schedule_deletion(key.name, args.window).await?;
    let vault = output::vault(&connected.peer, Some(&deleted.receipt));
    Ok(shown(key.name.handle, &deleted.value, vault))
}

fn shown(handle: KeyHandle, deleted: &Deleted, vault: Value) -> Output {
    let (state, index) = (deleted.state.name(), deleted.tombstone_index);
    let mut object = Map::from_iter([
        ("handle".to_owned(), json!(handle.to_string())),
        ("state".to_owned(), json!(state)),
        ("vaults".to_owned(), json!([vault])),
    ]);
    let mut fields = vec![("handle", handle.to_string()), ("state", state.to_owned())];
    match deleted.due_at.map(rfc3339) {
        Some(due_at) => {
            object.insert("due_at".into(), json!(due_at));
            fields.push(("due", due_at));
        }
        None => {
            object.insert("tombstone_index".into(), json!(index));
            fields.push(("tombstone", format!("entry {index} of the log")));
        }
    }
    Output::new(Value::Object(object), Human::Fields(fields))
}
