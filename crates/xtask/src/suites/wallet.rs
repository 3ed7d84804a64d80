//! The wallet: types, unit tests, and the tests in a browser, by npm and Debian's Chromium.

use super::{LONGEST_SILENCE, Suite};
use crate::{run, silence};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CHROMIUM: &str = "chromium";

/// Installs what is missing, checks the types and runs every suite, with the programs that
/// `cargo test` has built.
pub(super) fn suites(root: &Path) -> Result<Vec<Suite>> {
    let wallet = prepare(root)?;
    browser()?;
    run::checked(&mut run::command(
        &wallet,
        &["npm", "run", "--silent", "check"],
    ))?;
    let programs = programs(root)?;
    ["unit", "browser", "vaults"]
        .into_iter()
        .map(|kind| suite(&wallet, kind, &programs))
        .collect()
}

/// `wallet [--test]`: builds the pages into `target/wallet`, or runs their tests alone.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    match arguments {
        [] => {
            let wallet = prepare(root)?;
            run::checked(&mut run::command(
                &wallet,
                &["npm", "run", "--silent", "build"],
            ))
        }
        [flag] if flag == "--test" => {
            let programs = ["-p", "vault-relay", "-p", "vault-cli", "-p", "vault-fuzz"];
            let build = [&["cargo", "build", "--locked", "--quiet"], &programs[..]].concat();
            run::checked(&mut run::command(root, &build))?;
            super::report(&suites(root)?)
        }
        _ => bail!("wallet takes nothing or --test"),
    }
}

/// The wallet's folder, with the packages of its lock file.
pub(crate) fn prepare(root: &Path) -> Result<PathBuf> {
    let wallet = root.join("wallet");
    let changed =
        |path: &str| std::fs::metadata(wallet.join(path)).and_then(|file| file.modified());
    let installed = changed("node_modules/.package-lock.json");
    let fresh = installed.is_ok_and(|at| changed("package-lock.json").is_ok_and(|lock| lock <= at));
    if !fresh {
        println!("wallet: npm ci");
        run::checked(&mut run::command(&wallet, &["npm", "ci"]))?;
    }
    Ok(wallet)
}

/// Debian's Chromium, installed by name where it is missing and can be.
fn browser() -> Result<()> {
    if has_browser() {
        return Ok(());
    }
    println!("wallet: apt-get install {CHROMIUM}");
    let line = format!(
        "sudo=; [ \"$(id -u)\" = 0 ] || sudo=sudo; $sudo apt-get update -q && \
         $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends {CHROMIUM}"
    );
    let installed = run::checked(Command::new("sh").args(["-c", &line]));
    if !has_browser() {
        return installed.context("install first: apt-get install chromium");
    }
    Ok(())
}

fn has_browser() -> bool {
    let asked = Command::new(CHROMIUM)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

/// The folder of the programs that the browser talks to: the relay, and `evault dev`.
fn programs(root: &Path) -> Result<PathBuf> {
    let line = [
        "cargo",
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--locked",
    ];
    let metadata: Value = serde_json::from_slice(&run::output(&mut run::command(root, &line))?)?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    Ok(Path::new(target.context("no target directory")?).join("debug"))
}

fn suite(wallet: &Path, kind: &'static str, programs: &Path) -> Result<Suite> {
    let mut command = run::command(wallet, &["node", "tools/test.mjs", kind]);
    command
        .env("EVAULT_RELAY_PROGRAM", programs.join("evault-relay"))
        .env("EVAULT_PROGRAM", programs.join("evault"));
    let mut suite = Suite {
        lang: "typescript",
        name: format!("wallet: {kind}"),
        ..Suite::default()
    };
    let status = silence::lines(&mut command, LONGEST_SILENCE, |line| {
        println!("{line}");
        count(&mut suite, line);
    })?;
    if !status.success() && suite.failed == 0 {
        bail!("the wallet's {kind} tests ended with {status} before every test could run");
    }
    Ok(suite)
}

/// The totals that node's runner prints at the end (TAP), and skips without a reason.
fn count(suite: &mut Suite, line: &str) {
    let total = |word: &str| line.strip_prefix(word)?.parse::<u64>().ok();
    if let Some(passed) = total("# pass ") {
        suite.passed += passed;
    } else if let Some(failed) = total("# fail ").or(total("# cancelled ")) {
        suite.failed += failed;
    } else if let Some(ignored) = total("# skipped ").or(total("# todo ")) {
        suite.ignored += ignored;
    } else if line.trim_end().ends_with("# SKIP") {
        suite.without_reason.push(line.trim().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_nodes_runner_prints() {
        let mut suite = Suite::default();
        for line in [
            "ok 1 - a",
            "ok 2 - b # SKIP",
            "ok 3 - c # SKIP no such machine",
            "# tests 6",
            "# pass 2",
            "# fail 1",
            "# cancelled 1",
            "# skipped 2",
        ] {
            count(&mut suite, line);
        }
        assert_eq!((suite.passed, suite.failed, suite.ignored), (2, 2, 2));
        assert_eq!(suite.without_reason, ["ok 2 - b # SKIP"]);
    }
}
