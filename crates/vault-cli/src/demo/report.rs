//! What is told of each step.

use crate::cli::{Global, OutputFormat};
use crate::dev::Progress;
use serde_json::json;
use std::future::Future;
use std::io::Write;
use vault_client::Result;

/// What a step found, or why it failed.
pub(super) type Told = std::result::Result<String, String>;

/// Prints steps as they happen.
pub(super) struct Report {
    format: OutputFormat,
    quiet: bool,
    progress: Progress,
}

impl Report {
    pub(super) fn new(global: &Global) -> Self {
        Self {
            format: global.output,
            quiet: global.quiet,
            progress: Progress::new(global),
        }
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    pub(super) fn begin(&self) {
        self.note(
            "SIMULATED: real processes and the production code, over a software TEE that protects \
             nothing",
        );
    }

    /// The first step, whose outcome is kept.
    pub(super) async fn start<T>(&self, starting: impl Future<Output = Result<T>>) -> Option<T> {
        match starting.await {
            Ok(started) => {
                let detail = "SIMULATED: four vaults on machines of their own, a registry and an \
                              issuer run on loopback; the vaults are attested";
                self.print("start", &Ok(detail.to_owned()));
                Some(started)
            }
            Err(error) => {
                self.print("start", &Err(error.message()));
                None
            }
        }
    }

    /// Whether the step went well.
    pub(super) async fn step(
        &self,
        name: &str,
        doing: &str,
        step: impl Future<Output = Told>,
    ) -> bool {
        self.progress.now(doing);
        let told = step.await;
        self.print(name, &told);
        told.is_ok()
    }

    /// A remark for people.
    pub(super) fn note(&self, text: &str) {
        if self.format == OutputFormat::Table && !self.quiet {
            self.progress.suspend(|| line(text));
        }
    }

    fn print(&self, step: &str, told: &Told) {
        let (ok, detail) = match told {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        let text = match (self.format, ok) {
            (OutputFormat::Json, _) => {
                json!({ "step": step, "ok": ok, "detail": detail }).to_string()
            }
            (OutputFormat::Table, true) => format!("ok      {step:<16} {detail}"),
            (OutputFormat::Table, false) => format!("FAILED  {step:<16} {detail}"),
        };
        self.progress.suspend(|| line(&text));
    }
}

fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever reads no more wants no more.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
