//! One check, and what is shown of it.

use crate::exit::Exit;
use crate::output::{Human, Output, error_json};
use serde_json::{Value, json};
use vault_client::{Error, Result};

/// What a check found.
pub(super) enum Found {
    /// All is well.
    Well(String),
    /// It works, and something should be done about it: what, and with which command.
    Warning(String, String),
    /// It does not work.
    Failed(Error),
}

impl From<Result<String>> for Found {
    fn from(result: Result<String>) -> Self {
        match result {
            Ok(detail) => Self::Well(detail),
            Err(error) => Self::Failed(error),
        }
    }
}

impl Found {
    pub(super) fn warning(detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Warning(detail.into(), next.into())
    }
}

/// All checks, in the order in which they were made.
#[derive(Default)]
pub(super) struct Checks(Vec<(String, Found)>);

impl Checks {
    pub(super) fn add(&mut self, name: impl Into<String>, found: impl Into<Found>) {
        self.0.push((name.into(), found.into()));
    }

    /// Ends as the first failure says, or with evidence against a vault if there is any; warnings do
    /// not fail.
    pub(super) fn report(self) -> Output {
        let failed = || {
            self.0.iter().filter_map(|(_, found)| match found {
                Found::Failed(error) => Some(error.code),
                Found::Well(_) | Found::Warning(..) => None,
            })
        };
        let evidence = failed().find(|code| code.is_contradiction());
        let failed = evidence.or_else(|| failed().next()).map(Exit::from);
        let json: Vec<_> = self.0.iter().map(to_json).collect();
        let human = Human::Table {
            head: vec!["check", "", "detail", "next"],
            rows: self.0.iter().map(row).collect(),
        };
        Output::new(json!({ "checks": json }), human).exit(failed.unwrap_or(Exit::Done))
    }
}

fn to_json((name, found): &(String, Found)) -> Value {
    let (mark, detail, next) = parts(found);
    let error = match found {
        Found::Failed(error) => error_json(error),
        Found::Well(_) | Found::Warning(..) => Value::Null,
    };
    json!({ "name": name, "ok": mark != "FAILED", "detail": detail, "next": next, "error": error })
}

fn row((name, found): &(String, Found)) -> Vec<String> {
    let (mark, detail, next) = parts(found);
    vec![
        name.clone(),
        mark.to_owned(),
        detail,
        next.unwrap_or_default(),
    ]
}

fn parts(found: &Found) -> (&'static str, String, Option<String>) {
    match found {
        Found::Well(detail) => ("ok", detail.clone(), None),
        Found::Warning(detail, next) => ("WARNING", detail.clone(), Some(next.clone())),
        Found::Failed(error) => ("FAILED", error.message(), Some(error.next.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_client::ErrorCode;

    #[test]
    fn a_warning_is_shown_with_what_to_do_and_fails_nothing() {
        let mut checks = Checks::default();
        checks.add("a", Ok("fine".to_owned()));
        checks.add("b", Found::warning("not yet", "evault doctor"));
        let output = checks.report();
        assert_eq!(output.exit, Exit::Done);
        let checks = output.json["checks"].clone();
        assert_eq!(checks[0]["next"], Value::Null);
        assert_eq!(checks[1]["ok"], true);
        assert_eq!(checks[1]["next"], "evault doctor");
    }

    #[test]
    fn the_first_failure_decides_how_it_ends() {
        let mut checks = Checks::default();
        checks.add("a", Err(Error::new(ErrorCode::ManifestRefused)));
        checks.add("b", Err(Error::new(ErrorCode::Timeout)));
        let output = checks.report();
        assert_eq!(output.exit, Exit::Evidence);
        assert_eq!(output.json["checks"][0]["ok"], false);
        let error = &output.json["checks"][0]["error"];
        assert_eq!(error["code"], "manifest_refused");
    }

    #[test]
    fn evidence_against_a_vault_decides_before_every_other_failure() {
        let mut checks = Checks::default();
        checks.add("a", Err(Error::new(ErrorCode::Timeout)));
        checks.add("b", Err(Error::new(ErrorCode::ForkDetected)));
        assert_eq!(checks.report().exit, Exit::Evidence);
    }
}
