//! This very program as a child, as a person would call it.

use super::report::Told;
use crate::dev::{Layout, program};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;
use vault_client::Result;

/// How to call `evault`.
pub(super) struct Shell {
    program: PathBuf,
    layout: Layout,
    /// The vault that calls about keys and logs mean, unless they name one.
    home: Option<String>,
}

/// What a call ended with.
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) stdout: Value,
    stderr: Value,
}

impl Shell {
    pub(super) fn new(layout: &Layout) -> Result<Self> {
        Ok(Self {
            program: program()?,
            layout: layout.clone(),
            home: None,
        })
    }

    /// From now on, calls about keys and logs mean this vault.
    pub(super) fn settle(&mut self, vault: String) {
        self.home = Some(vault);
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// `--vault`, where a call is about one vault and names none.
    fn vault(&self, arguments: &[&str]) -> Vec<&str> {
        let one = ["key", "audit", "__caller"];
        let is_of_one = arguments.first().is_some_and(|noun| one.contains(noun));
        match &self.home {
            Some(home) if is_of_one && !arguments.contains(&"--vault") => vec!["--vault", home],
            _ => Vec::new(),
        }
    }

    /// Calls `evault` as this profile, with JSON output.
    pub(super) async fn evault(
        &self,
        profile: &str,
        arguments: &[&str],
    ) -> std::result::Result<Ended, String> {
        self.elsewhere(&self.layout.config(), profile, arguments)
            .await
    }

    /// The same with another configuration, such as that of somebody with a memory of their own.
    pub(super) async fn elsewhere(
        &self,
        config: &Path,
        profile: &str,
        arguments: &[&str],
    ) -> std::result::Result<Ended, String> {
        let mut command = Command::new(&self.program);
        for inherited in inherited() {
            command.env_remove(inherited);
        }
        let output = command
            .args(arguments)
            .args(self.vault(arguments))
            .args(["--output", "json", "--profile", profile])
            .env("EVAULT_CONFIG", config)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| error.to_string())?;
        let parse = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_default();
        Ok(Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: parse(&output.stdout),
            stderr: parse(&output.stderr),
        })
    }

    /// As [`Shell::evault`], where anything but success is a failure of the step.
    pub(super) async fn done(
        &self,
        profile: &str,
        arguments: &[&str],
    ) -> std::result::Result<Value, String> {
        let ended = self.evault(profile, arguments).await?;
        match ended.code {
            0 => Ok(ended.stdout),
            _ => Err(ended.complain(arguments)),
        }
    }
}

/// What the environment tells `evault` of other vaults than those of the demo.
fn inherited() -> impl Iterator<Item = OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| name.as_encoded_bytes().starts_with(b"EVAULT_"))
}

impl Ended {
    /// A member of the error object.
    pub(super) fn error(&self, member: &str) -> &str {
        let error = self.stderr.get("error");
        error
            .and_then(|error| error.get(member))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The whole error object.
    pub(super) fn error_object(&self) -> Option<&Value> {
        self.stderr.get("error")
    }

    /// That this is not what was expected.
    pub(super) fn complain(&self, arguments: &[&str]) -> String {
        let command = arguments.get(..2).unwrap_or(arguments).join(" ");
        format!(
            "evault {command}: exit code {}, {}",
            self.code,
            self.error("message")
        )
    }
}

/// A text member of a result.
pub(super) fn text(value: &Value, member: &str) -> Told {
    let text = value.get(member).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| format!("no {member} in the result"))
}
