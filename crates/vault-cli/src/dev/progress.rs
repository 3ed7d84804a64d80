//! What is being waited for, on stderr.

use crate::cli::Global;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

/// A spinner on a terminal, lines elsewhere, nothing if quiet.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
}

impl Progress {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let bar = (!global.quiet && terminal).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            lines: !global.quiet && bar.is_none(),
            bar,
        }
    }

    /// What is being done now.
    pub(crate) fn now(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
            bar.reset_elapsed();
        }
        if self.lines {
            let _ = writeln!(stderr(), "… {what}");
        }
    }

    /// Prints a line of the result without breaking the spinner.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
