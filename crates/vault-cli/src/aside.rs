//! Evidence that a command comes by beside what it was asked to do: the heads of one vault that another
//! one carries, or a vault that was asked with others. It is told whatever came of the command.

use crate::output::{self, Output};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use vault_client::{Constellation, Error, Result};

/// What was found so far, and where more may be found.
#[derive(Default)]
pub(crate) struct Aside {
    watched: Mutex<Vec<Constellation>>,
    found: Mutex<Vec<Error>>,
}

impl Aside {
    pub(crate) fn watch(&self, constellation: &Constellation) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.push(constellation.clone());
    }

    pub(crate) fn found(&self, error: &Error) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push(error.clone());
    }

    /// Every pair of heads once.
    fn all(&self) -> Vec<Error> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Error> = watched.iter().flat_map(Constellation::found).collect();
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(found.iter().cloned());
        let mut once: Vec<Error> = Vec::new();
        for error in all {
            if !once.iter().any(|told| is_same(told, &error)) {
                once.push(error);
            }
        }
        once
    }

    /// The outcome, with what was found besides in `found` of its JSON, and for people on stderr.
    pub(crate) fn told_with(&self, outcome: Result<Output>) -> Result<Output> {
        let mut found = self.all();
        if let Err(error) = &outcome {
            found.retain(|found| !is_same(found, error));
        }
        if found.is_empty() {
            return outcome;
        }
        let told: Value = found.iter().map(output::error_json).collect();
        let mut output = outcome.unwrap_or_else(|error| failed(&error));
        if let Some(object) = output.json.as_object_mut() {
            object.insert("found".into(), told);
        }
        output.found = found;
        Ok(output)
    }
}

/// Whether both are about the same two heads.
fn is_same(one: &Error, other: &Error) -> bool {
    (one.vault_id, &one.heads) == (other.vault_id, &other.heads)
}

/// The error alone, as it is printed without anything beside it.
fn failed(error: &Error) -> Output {
    Output {
        json: json!({ "error": output::error_json(error) }),
        ..Output::failed(error.clone(), Value::Null, String::new())
    }
}
