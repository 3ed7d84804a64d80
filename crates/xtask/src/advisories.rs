//! Known vulnerabilities of dependencies, by `cargo deny`.

use crate::run;
use anyhow::{Result, bail};
use std::path::Path;

pub(crate) fn run(root: &Path) -> Result<()> {
    if run::output(&mut run::command(root, &["cargo", "deny", "--version"])).is_err() {
        println!("advisories: SKIPPED: cargo-deny is not installed (cargo install cargo-deny)");
        return Ok(());
    }
    let output = run::command(root, &["cargo", "deny", "check", "advisories"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        println!("advisories: none");
    } else if unreachable(&said) {
        println!("advisories: SKIPPED: the advisory database cannot be reached");
    } else {
        print!("{said}");
        bail!("dependencies have advisories");
    }
    Ok(())
}

/// Whether `cargo deny` failed before it could look anything up.
fn unreachable(said: &str) -> bool {
    said.contains("failed to fetch advisory database")
        || said.contains("failed to load advisory database")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_database_out_of_reach_from_an_advisory() {
        assert!(unreachable(
            "error: failed to fetch advisory database https://…"
        ));
        assert!(!unreachable("error[vulnerability]: RUSTSEC-2024-0001"));
    }
}
