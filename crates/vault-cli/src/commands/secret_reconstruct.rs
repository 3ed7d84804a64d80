//! `secret reconstruct`: the secret goes where it is asked to go, and nowhere else.

use super::secret_json::{
    entries, exit, judged, missing, note_failures, on_constellation, owner, say_of_vaults,
};
use super::secret_vaults::{outcomes, refused};
use crate::cli::{OutputFormat, SecretReconstruct};
use crate::context::Context;
use crate::files;
use crate::output::{Human, Output};
use crate::place;
use crate::waiting;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::time::Duration;
use vault_client::Result;
use vault_client::secret::Wait;
use vault_policy::VaultId;

/// How long vaults that are not needed have, so that a wrong share is named all the same.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) async fn run(context: &Context, args: SecretReconstruct) -> Result<Output> {
    let config = context.config()?;
    let fleet = context.fleet(&config).await?;
    let split = on_constellation(&fleet, &config, owner(&config)?)?;
    let wait = match args.all {
        true => Wait::All,
        false => Wait::Patience(PATIENCE),
    };
    let work = split.reconstruct(&args.secret.name, wait);
    let found = match waiting::show(context, "collecting shares", work).await {
        Ok(found) => found,
        Err(failed) => return Ok(refused(context, &split, failed, |error| error)),
    };
    let outcomes = outcomes(&found.collected);
    say_of_vaults(context, &split);
    note_failures(context, &outcomes);
    let mut object = Map::new();
    object.insert("name".into(), json!(args.secret.name));
    object.insert("generation".into(), json!(found.generation));
    for (name, value) in judged(&found.collected) {
        object.insert(name.into(), value);
    }
    object.insert("vaults".into(), entries(&split, &outcomes));
    let clean = outcomes.failed().next().is_none();
    let to_stdout = place::is_stdout(&args.out);
    if to_stdout && context.global.output == OutputFormat::Json {
        object.insert("secret_b64".into(), json!(STANDARD.encode(&*found.secret)));
        return Ok(
            Output::new(Value::Object(object), Human::Silent).exit(exit(context, &outcomes, clean))
        );
    }
    files::write(&args.out, &found.secret)?;
    let human = Human::Fields(vec![
        ("used", list(&found.collected.used())),
        ("wrong", list(&found.collected.wrong())),
        ("missing", list(&missing(&found.collected))),
    ]);
    let output = Output::new(Value::Object(object), human).exit(exit(context, &outcomes, clean));
    Ok(Output {
        stdout_taken: to_stdout,
        ..output
    })
}

fn list(vaults: &[VaultId]) -> String {
    match vaults {
        [] => "none".to_owned(),
        some => {
            let vaults: Vec<_> = some.iter().map(VaultId::to_string).collect();
            vaults.join("\n")
        }
    }
}
