//! Results for people and for scripts.

use crate::cli::OutputFormat;
use crate::exit::Exit;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use vault_client::constellation::Outcomes;
use vault_client::{Error, ErrorCode, Peer, Receipt, Result};
use vault_policy::VaultId;

/// What people see of a result.
pub(crate) enum Human {
    Fields(Vec<(&'static str, String)>),
    Table {
        head: Vec<&'static str>,
        rows: Vec<Vec<String>>,
    },
    /// As it is, with a line feed at its end.
    Text(String),
    /// Nothing: the result went into a file or to stdout already.
    Silent,
}

impl Human {
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Fields(fields) => print_fields(out, fields),
            Self::Table { head, rows } => writeln!(out, "{}", table(head, rows).trim_fmt()),
            Self::Text(text) => writeln!(out, "{}", printable(text).trim_end()),
            Self::Silent => Ok(()),
        }
    }
}

/// The result of a command.
pub(crate) struct Output {
    pub(crate) json: Value,
    pub(crate) human: Human,
    pub(crate) exit: Exit,
    /// Where stdout carries the result's own bytes, nothing else is printed there.
    pub(crate) stdout_taken: bool,
    /// Rollbacks and forks that were found besides.
    pub(crate) found: Vec<Error>,
    /// Why there is no result; then stderr tells it, and what became of each vault.
    pub(crate) failure: Option<Error>,
}

impl Output {
    pub(crate) fn new(json: Value, human: Human) -> Self {
        Self {
            json,
            human,
            exit: Exit::Done,
            stdout_taken: false,
            found: Vec::new(),
            failure: None,
        }
    }

    /// No result: the error, with the entries of `vaults`, for people one line each.
    pub(crate) fn failed(error: Error, vaults: Value, lines: String) -> Self {
        let json = json!({ "error": error_json(&error), "vaults": vaults });
        Self {
            exit: error.code.into(),
            failure: Some(error),
            ..Self::new(json, Human::Text(lines))
        }
    }

    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    pub(crate) fn print(&self, format: OutputFormat) -> io::Result<()> {
        self.print_found(format)?;
        if self.stdout_taken {
            return Ok(());
        }
        if let Some(error) = &self.failure {
            return self.print_failure(format, error);
        }
        let mut out = io::stdout().lock();
        match (format, &self.human) {
            (OutputFormat::Json, _) => writeln!(out, "{}", self.json),
            (OutputFormat::Table, human) => human.print(&mut out),
        }
    }

    /// On stderr: for people, and for scripts where the object does not go to stdout.
    fn print_found(&self, format: OutputFormat) -> io::Result<()> {
        let mut stderr = io::stderr().lock();
        match format {
            _ if self.found.is_empty() => Ok(()),
            OutputFormat::Json if !self.stdout_taken => Ok(()),
            OutputFormat::Json => {
                let found: Value = self.found.iter().map(error_json).collect();
                writeln!(stderr, "{}", json!({ "found": found }))
            }
            OutputFormat::Table => self.found.iter().try_for_each(|error| {
                let text = error_text(error).replacen("error:", "found besides:", 1);
                write!(stderr, "{}", printable(&text))
            }),
        }
    }

    fn print_failure(&self, format: OutputFormat, error: &Error) -> io::Result<()> {
        let mut stderr = io::stderr().lock();
        match (format, &self.human) {
            (OutputFormat::Json, _) => writeln!(stderr, "{}", self.json),
            (OutputFormat::Table, Human::Text(lines)) => {
                write!(stderr, "{}", printable(&error_text(error)))?;
                let mut lines = lines.lines();
                lines.try_for_each(|line| writeln!(stderr, "  {}", printable_line(line)))
            }
            (OutputFormat::Table, human) => {
                write!(stderr, "{}", printable(&error_text(error)))?;
                human.print(&mut io::stdout().lock())
            }
        }
    }
}

fn print_fields(out: &mut impl Write, fields: &[(&str, String)]) -> io::Result<()> {
    let width = fields
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    for (name, value) in fields {
        let value = printable(value);
        let mut lines = value.lines();
        writeln!(out, "{name:width$}  {}", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "{:width$}  {line}", "")?;
        }
    }
    Ok(())
}

fn table(head: &[&str], rows: &[Vec<String>]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    table.set_header(head.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|cell| printable_line(cell)));
    }
    table
}

/// What others have named reaches a terminal as text alone: characters that move the cursor, change
/// colours or turn the direction of writing are spelled out. Line feeds and tabs stay.
pub(crate) fn printable(text: &str) -> String {
    spell_out(text, |c| c != '\n' && c != '\t')
}

/// The same on one line.
pub(crate) fn printable_line(text: &str) -> String {
    spell_out(text, |_| true)
}

fn spell_out(text: &str, also: impl Fn(char) -> bool) -> String {
    let turns = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match (c.is_control() || turns(c)) && also(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

/// The entry of one vault in `vaults`.
pub(crate) fn vault(peer: &Peer, receipt: Option<&Receipt>) -> Value {
    let mut entry = Map::new();
    entry.insert("vault_id".into(), json!(peer.vault_id.to_string()));
    entry.insert("ok".into(), json!(true));
    entry.insert("simulated".into(), json!(peer.evidence.claims().simulated));
    entry.insert("receipt".into(), receipt.map_or(Value::Null, receipt_json));
    entry.insert("error".into(), Value::Null);
    Value::Object(entry)
}

/// The entry of a vault that failed.
pub(crate) fn failed_vault(vault: VaultId, error: &Error) -> Value {
    json!({
        "vault_id": vault.to_string(),
        "ok": false,
        "simulated": null,
        "receipt": null,
        "error": error_json(error),
    })
}

/// How it ends when at least `need` vaults had to do it. That too few did is an error, and not an
/// exit code alone.
pub(crate) fn exit_of<T>(outcomes: &Outcomes<T>, need: usize, allow_partial: bool) -> Result<Exit> {
    match outcomes.error(need) {
        None => Ok(Exit::Done),
        Some(error) if error.code == ErrorCode::Partial => Ok(partial(outcomes, allow_partial)),
        Some(error) => Err(error),
    }
}

/// How it ends where the goal was met and some vaults failed. Nobody has allowed for evidence against
/// one of them.
pub(crate) fn partial<T>(outcomes: &Outcomes<T>, allow_partial: bool) -> Exit {
    match outcomes.evidence() {
        Some(_) => Exit::Evidence,
        None if allow_partial => Exit::Done,
        None => Exit::Partial,
    }
}

fn receipt_json(receipt: &Receipt) -> Value {
    json!({
        "size": receipt.head.size,
        "index": receipt.logged.as_ref().map(|logged| logged.index),
        "root": receipt.head.root.to_string(),
    })
}

/// The object that scripts find on stderr.
pub(crate) fn error_json(error: &Error) -> Value {
    let mut object = json!({
        "code": error.code.name(),
        "blame": error.blame.name(),
        "retry": error.retry.name(),
        "rule": error.rule,
        "condition": error.condition,
        "message": error.message(),
        "next": error.next,
        "vault_id": error.vault_id.map(|id| id.to_string()),
    });
    if let (Some(map), Some(heads)) = (object.as_object_mut(), &error.heads) {
        let head = |head: &vault_client::SeenHead| json!({ "size": head.size, "root": head.root.to_string() });
        map.insert("seen".into(), head(&heads.seen));
        map.insert("answered".into(), head(&heads.answered));
        map.insert("evidence".into(), json!(heads.evidence));
    }
    if let (Some(map), Some(seconds)) = (object.as_object_mut(), error.retry_after) {
        map.insert("retry_after".into(), json!(seconds));
    }
    object
}

/// What people find on stderr: what happened, who has to act, what to try.
pub(crate) fn error_text(error: &Error) -> String {
    let mut text = format!("error: {} [{}]\n", error.message(), error.code);
    if let Some(rule) = &error.rule {
        let condition = error.condition.as_deref().unwrap_or("(none)");
        text.push_str(&format!("  rule: {rule}  condition: {condition}\n"));
    }
    if let Some(path) = error
        .heads
        .as_ref()
        .and_then(|heads| heads.evidence.as_ref())
    {
        text.push_str(&format!("  evidence kept in {}\n", path.display()));
    }
    text.push_str(&format!(
        "  to act: {}\n  next: {}\n",
        error.blame.name(),
        error.next
    ));
    text
}

pub(crate) fn print_error(format: OutputFormat, error: &Error) {
    let text = match format {
        OutputFormat::Json => format!("{}\n", json!({ "error": error_json(error) })),
        OutputFormat::Table => printable(&error_text(error)),
    };
    // There is nowhere left to say that stderr is gone.
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_the_error_object_and_the_vaults_beside_it() {
        let error = Error::new(ErrorCode::TooFewVaults);
        let alone = error_json(&error);
        let output = Output::failed(error, json!([1, 2]), String::new());
        assert_eq!(output.exit, Exit::Unreachable);
        assert_eq!(output.json, json!({ "error": alone, "vaults": [1, 2] }));
    }

    #[test]
    fn what_others_have_named_cannot_steer_a_terminal() {
        let hostile = "a\u{1b}[31mred\u{7}\r\nb\tc\u{9b}2J\u{202e}x";
        let line = printable_line(hostile);
        assert_eq!(line, "a\\u{1b}[31mred\\u{7}\\r\\nb\\tc\\u{9b}2J\\u{202e}x");
        assert_eq!(printable("a\n\tb\r"), "a\n\tb\\r");
        assert_eq!(printable_line("Ünïcode — 密钥"), "Ünïcode — 密钥");
        let table = table(&["name"], &[vec![hostile.to_owned()]]).to_string();
        assert!(
            table.chars().all(|c| c == '\n' || !c.is_control()),
            "{table:?}"
        );
    }

    #[test]
    fn an_error_says_what_happened_who_is_to_act_and_what_to_try() {
        let error = Error::new(ErrorCode::PolicyDenied).next("evault policy show k");
        let text = error_text(&error);
        assert!(text.contains("policy refuses") && text.contains("to act: policy"));
        assert!(text.contains("next: evault policy show k"));
        let json = error_json(&error);
        for member in [
            "code",
            "blame",
            "retry",
            "rule",
            "condition",
            "message",
            "next",
            "vault_id",
        ] {
            assert!(json.get(member).is_some(), "{member}");
        }
    }
}
