//! A request for approval with its answers: what the files of `evault approve` hold.

use serde_json::{Value, json};
use vault_client::approval::{ApprovalAnswer, Gesture};
use vault_client::{Error, ErrorCode, Result};

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
}

/// What was found so far, in however many files.
#[derive(Default)]
pub(crate) struct Parts {
    gesture: Option<Gesture>,
    answers: Vec<ApprovalAnswer>,
}

impl Parts {
    /// Takes a file: a request, an answer, or both.
    pub(crate) fn take(&mut self, file: &[u8]) -> Result<()> {
        let document: Value = serde_json::from_slice(file).map_err(|_| wrong("not JSON"))?;
        let format = document.get("format").and_then(Value::as_str);
        match format {
            Some(BUNDLE) => self.take_bundle(&document),
            Some(ANSWER) => self.take_answer(&document),
            Some(FORMAT) => {
                let bundle = document.get("bundle");
                self.take_bundle(bundle.unwrap_or(&Value::Null))?;
                let answers = document.get("answers").and_then(Value::as_array);
                let mut answers = answers.into_iter().flatten();
                answers.try_for_each(|answer| self.take_answer(answer))
            }
            _ => Err(wrong("neither a request for approval nor an answer to one")),
        }
    }

    /// The request that was found.
    pub(crate) fn asked(self) -> Result<Asked> {
        let gesture = self
            .gesture
            .ok_or_else(|| wrong("no file holds a request"))?;
        let answers = self.answers;
        Ok(Asked { gesture, answers })
    }

    fn take_bundle(&mut self, bundle: &Value) -> Result<()> {
        let gesture = Gesture::parse(bundle.to_string().as_bytes())?;
        match self.gesture.replace(gesture.clone()) {
            Some(other) if other != gesture => Err(wrong("there are two requests")),
            _ => Ok(()),
        }
    }

    fn take_answer(&mut self, answer: &Value) -> Result<()> {
        let answer = ApprovalAnswer::parse(answer.to_string().as_bytes()).map_err(wrong)?;
        if !self.answers.contains(&answer) {
            self.answers.push(answer);
        }
        Ok(())
    }
}

fn value(json: &[u8]) -> Result<Value> {
    serde_json::from_slice(json).map_err(wrong)
}

fn wrong(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidArgument).detail(why)
}
