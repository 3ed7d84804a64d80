//! One change on every vault that holds a key.

use crate::cli::KeyArg;
use crate::context::{Connected, Context};
use crate::fleet::Fleet;
use crate::key_ref::{self, KeyRef};
use crate::output::{self, Human, Output};
use serde_json::{Map, Value, json};
use vault_client::constellation::{Outcome, Outcomes};
use vault_client::{Answer, Error, ErrorCode, Peer, Receipt, Result};

/// What one vault did.
pub(super) struct Done<T> {
    pub(super) peer: Peer,
    pub(super) receipt: Receipt,
    pub(super) value: T,
}

/// Makes the call on every vault that is selected and holds the key, all at once. Vaults that do not
/// know the key are left out where others do.
pub(super) async fn each<T>(
    context: &Context,
    key: &KeyArg,
    call: impl AsyncFn(&Connected, &KeyRef) -> Result<Answer<T>>,
) -> Result<Outcomes<Done<T>>> {
    let fleet = context.fleet(&context.config()?).await?;
    each_of(&fleet, key, call).await
}

/// The same, of a fleet at hand.
pub(super) async fn each_of<T>(
    fleet: &Fleet<'_>,
    key: &KeyArg,
    call: impl AsyncFn(&Connected, &KeyRef) -> Result<Answer<T>>,
) -> Result<Outcomes<Done<T>>> {
    let vaults = key_ref::candidates(fleet, key)?;
    let asked = fleet
        .each(&vaults, async |connected: Connected| {
            let key = key_ref::resolve(&connected.client, key).await?;
            let answer = call(&connected, &key).await?;
            Ok(Done {
                peer: connected.peer,
                receipt: answer.receipt,
                value: answer.value,
            })
        })
        .await;
    Ok(without_strangers(asked))
}

fn without_strangers<T>(asked: Outcomes<T>) -> Outcomes<T> {
    let knows = |outcome: &Outcome<T>| {
        let code = outcome.result.as_ref().err().map(|error| error.code);
        code != Some(ErrorCode::NotFound)
    };
    match asked.iter().any(knows) {
        true => Outcomes::new(asked.into_iter().filter(knows).collect()),
        false => asked,
    }
}

/// The result: an entry for each vault, with what it said of its own. Nothing was done where no
/// vault did it.
pub(super) fn told<T>(
    context: &Context,
    outcomes: &Outcomes<Done<T>>,
    about: Map<String, Value>,
    each: impl Fn(&T) -> Map<String, Value>,
) -> Result<Output> {
    let entries: Value = outcomes
        .iter()
        .map(|outcome| entry(outcome, &each))
        .collect();
    let rows: Vec<_> = outcomes.iter().map(|outcome| row(outcome, &each)).collect();
    let exit = match output::exit_of(outcomes, 1, context.global.allow_partial) {
        Ok(exit) => exit,
        Err(error) => return Ok(Output::failed(error, entries, lines(outcomes))),
    };
    let mut json = about;
    json.insert("vaults".into(), entries);
    let human = Human::Table {
        head: vec!["vault", "result"],
        rows,
    };
    Ok(Output::new(Value::Object(json), human).exit(exit))
}

fn entry<T>(outcome: &Outcome<Done<T>>, each: &impl Fn(&T) -> Map<String, Value>) -> Value {
    let done = match &outcome.result {
        Ok(done) => done,
        Err(error) => return output::failed_vault(outcome.vault_id, error),
    };
    let mut entry = output::vault(&done.peer, Some(&done.receipt));
    if let Some(object) = entry.as_object_mut() {
        object.extend(each(&done.value));
    }
    entry
}

fn row<T>(outcome: &Outcome<Done<T>>, each: &impl Fn(&T) -> Map<String, Value>) -> Vec<String> {
    let said = match &outcome.result {
        Ok(done) => {
            let said = each(&done.value).into_iter();
            let said = said.map(|(name, value)| match value {
                Value::String(text) => format!("{name}: {text}"),
                value => format!("{name}: {value}"),
            });
            let said: Vec<_> = said.collect();
            match said.is_empty() {
                true => "done".to_owned(),
                false => said.join(", "),
            }
        }
        Err(error) => failure(error),
    };
    vec![outcome.vault_id.to_string(), said]
}

fn lines<T>(outcomes: &Outcomes<T>) -> String {
    let lines = outcomes
        .failed()
        .map(|(vault, error)| format!("{vault}: {}\n", failure(error)));
    lines.collect()
}

fn failure(error: &Error) -> String {
    let mut text = error.message();
    if let Some(condition) = &error.condition {
        let rule = error.rule.as_deref().unwrap_or("(none)");
        text.push_str(&format!(" (rule {rule}, condition {condition})"));
    }
    text
}

/// Members for JSON.
pub(super) fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let members = members.into_iter();
    members
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A policy that a key has now.
pub(super) fn new_policy(policy: &vault_client::NewPolicy) -> Map<String, Value> {
    members([
        ("policy_hash", json!(policy.hash.to_string())),
        ("policy_version", json!(policy.version.0)),
    ])
}
