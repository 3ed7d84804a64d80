//! Everything that must hold, in the order in which it fails fastest.

use crate::{advisories, layers, licences, run, sizes, suites};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Programs that the tests call, and what to install where they are missing.
const NEEDED: &[(&str, &str, &str)] = &[
    ("cc", "--version", "apt-get install build-essential"),
    ("go", "version", "Go 1.26 or later"),
    ("node", "--version", "Node.js 20 or later"),
    ("npm", "--version", "npm 10 or later"),
    ("openssl", "version", "apt-get install openssl"),
    ("strace", "--version", "apt-get install strace"),
];

/// `evault` as people install it who run no vault.
const EVAULT_ALONE: &[&str] = &[
    "cargo",
    "clippy",
    "--package",
    "vault-cli",
    "--no-default-features",
    "--all-targets",
    "--locked",
    "--quiet",
    "--",
    "-D",
    "warnings",
];

pub(crate) fn run(root: &Path) -> Result<()> {
    needed()?;
    let step = |name: &str, check: &dyn Fn() -> Result<()>| -> Result<()> {
        let begun = Instant::now();
        println!("== {name}");
        check()?;
        println!("== {name}: ok, {} s", begun.elapsed().as_secs());
        Ok(())
    };
    let cargo = |line: &'static [&'static str]| move || run::checked(&mut run::command(root, line));
    step("format", &cargo(&["cargo", "fmt", "--all", "--check"]))?;
    step("layers", &|| layers::run(root))?;
    step("sizes", &|| sizes::run(root))?;
    step("licences", &|| licences::run(root))?;
    step("advisories", &|| advisories::run(root))?;
    step(
        "lints",
        &cargo(&[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    step("lints of evault alone", &cargo(EVAULT_ALONE))?;
    step("docs", &|| docs(root))?;
    step("tests", &|| suites::run(root))?;
    step(
        "demo",
        &cargo(&["cargo", "run", "--release", "--locked", "--", "demo"]),
    )
}

fn needed() -> Result<()> {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(program, flag, _)| {
            let started = Command::new(program)
                .arg(flag)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            !started.is_ok_and(|status| status.success())
        })
        .map(|(_, _, install)| *install)
        .collect();
    if !missing.is_empty() {
        bail!("install first: {}", missing.join(", "));
    }
    Ok(())
}

fn docs(root: &Path) -> Result<()> {
    let line = [
        "cargo",
        "doc",
        "--workspace",
        "--no-deps",
        "--locked",
        "--quiet",
    ];
    run::checked(run::command(root, &line).env("RUSTDOCFLAGS", "-D warnings"))
}
