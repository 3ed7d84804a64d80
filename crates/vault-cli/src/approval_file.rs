//! Requests for approval and the answers to them, as files.

use crate::cli::ApprovalArg;
use crate::context::{Connected, usage};
use crate::files;
use serde_json::{Value, json};
use std::path::Path;
use vault_client::approval::{ApprovalAnswer, Gesture};
use vault_client::{Client, Result};

const FORMAT: &str = "enclave-vaults/approval-file/v1";
const BUNDLE: &str = "enclave-vaults/approval-bundle/v1";
const ANSWER: &str = "enclave-vaults/approval-answer/v1";

/// A request, and who has answered.
pub(crate) struct Asked {
    pub(crate) gesture: Gesture,
    pub(crate) answers: Vec<ApprovalAnswer>,
}

impl Asked {
    /// One file with everything.
    pub(crate) fn to_file(&self) -> Result<Vec<u8>> {
        let answers = self.answers.iter().map(|answer| value(&answer.to_json()));
        let answers = answers.collect::<Result<Vec<_>>>()?;
        let file = json!({
            "format": FORMAT,
            "bundle": value(&self.gesture.bundle().to_json())?,
            "answers": answers,
        });
        Ok(format!("{file}\n").into_bytes())
    }

    /// Of files, each a request, an answer, or both.
    pub(crate) fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Self> {
        let mut read = Parts::default();
        for path in paths {
            let path = path.as_ref();
            let why = |why: &str| usage(format_args!("{}: {why}", path.display()));
            let document: Value =
                serde_json::from_slice(&files::read(path)?).map_err(|_| why("not JSON"))?;
            read.take(&document)
                .map_err(|error| why(&error.message()))?;
        }
        let gesture = read
            .gesture
            .ok_or_else(|| usage("no file holds a request"))?;
        Ok(Self {
            gesture,
            answers: read.answers,
        })
    }
}

#[derive(Default)]
struct Parts {
    gesture: Option<Gesture>,
    answers: Vec<ApprovalAnswer>,
}

impl Parts {
    fn take(&mut self, document: &Value) -> Result<()> {
        let format = document.get("format").and_then(Value::as_str);
        match format {
            Some(BUNDLE) => self.take_bundle(document),
            Some(ANSWER) => self.take_answer(document),
            Some(FORMAT) => {
                let bundle = document.get("bundle");
                self.take_bundle(bundle.unwrap_or(&Value::Null))?;
                let answers = document.get("answers").and_then(Value::as_array);
                let mut answers = answers.into_iter().flatten();
                answers.try_for_each(|answer| self.take_answer(answer))
            }
            _ => Err(usage("neither a request for approval nor an answer to one")),
        }
    }

    fn take_bundle(&mut self, bundle: &Value) -> Result<()> {
        let gesture = Gesture::parse(bundle.to_string().as_bytes())?;
        match self.gesture.replace(gesture.clone()) {
            Some(other) if other != gesture => Err(usage("there are two requests")),
            _ => Ok(()),
        }
    }

    fn take_answer(&mut self, answer: &Value) -> Result<()> {
        let answer = ApprovalAnswer::parse(answer.to_string().as_bytes()).map_err(usage)?;
        if !self.answers.contains(&answer) {
            self.answers.push(answer);
        }
        Ok(())
    }
}

fn value(json: &[u8]) -> Result<Value> {
    serde_json::from_slice(json).map_err(usage)
}

impl ApprovalArg {
    /// Each of the files, with the flag that names it.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.approval
            .iter()
            .map(|path| ("--approval", path.as_path()))
    }

    /// The client whose next call carries what the flags name, if they name anything.
    pub(crate) fn on(&self, connected: &Connected) -> Result<Client> {
        if self.approval.is_empty() {
            return Ok(connected.client.clone());
        }
        let asked = Asked::load(&self.approval)?;
        let approvals = asked.gesture.approvals(&asked.answers)?;
        let vault = connected.client.vault_id();
        let approval = approvals.get(&vault).ok_or_else(|| {
            usage(format_args!("nothing is approved for vault {vault}")).vault(vault)
        })?;
        Ok(connected.client.approved(approval))
    }
}
