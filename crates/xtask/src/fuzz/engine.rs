//! Who fuzzes what: libFuzzer the bodies in Rust, Go's own fuzzer the verifier, and the wallet's runner the
//! wallet.

use crate::{run, suites};
use anyhow::{Result, bail};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

const MISSING: &str =
    "needs nightly and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz";
/// No input is worth more memory, in one allocation or in all, or more time.
const BOUNDS: &[&str] = &["-rss_limit_mb=2048", "-malloc_limit_mb=512", "-timeout=25"];
/// The package of the verifier, in `go/`.
const VERIFIER: &str = "./cmd/auditverify";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Engine {
    Rust,
    Go,
    Wallet,
}

/// A target, shown as `NAME`, `go/NAME` or `wallet/NAME`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    engine: Engine,
    name: String,
}

/// Every target of the tree.
pub(super) fn targets(root: &Path) -> Result<Vec<Target>> {
    let go = words(&run::output(&mut go(
        root,
        &["test", "-list", "^Fuzz", VERIFIER],
    ))?);
    let go = go.iter().filter(|name| name.starts_with("Fuzz"));
    let go = go.map(|name| Target::go(name));
    suites::wallet_ready(root)?;
    let wallet = words(&run::output(&mut wallet(root, &["--list"]))?);
    let wallet = wallet.iter().map(|name| Target::wallet(name));
    Ok(rust(root)?.into_iter().chain(go).chain(wallet).collect())
}

/// Those that cargo-fuzz builds: a program each.
pub(super) fn rust(root: &Path) -> Result<Vec<Target>> {
    let programs = run::files(&root.join("fuzz/fuzz_targets"), "rs")?;
    let names = programs
        .iter()
        .filter_map(|path| path.file_stem()?.to_str());
    Ok(names.map(Target::rust).collect())
}

fn words(printed: &[u8]) -> Vec<String> {
    let printed = String::from_utf8_lossy(printed);
    printed.split_whitespace().map(str::to_owned).collect()
}

/// Builds what has to be built before the time of the first target begins.
pub(super) fn prepare(root: &Path, targets: &[Target]) -> Result<()> {
    if targets.iter().all(|target| target.engine != Engine::Rust) {
        return Ok(());
    }
    if run::output(&mut nightly(root, &["list"])).is_err() {
        bail!(MISSING);
    }
    run::checked(&mut nightly(root, &["build"]))
}

impl Target {
    pub(super) fn rust(name: &str) -> Self {
        Self::new(Engine::Rust, name)
    }

    pub(super) fn go(name: &str) -> Self {
        Self::new(Engine::Go, name)
    }

    pub(super) fn wallet(name: &str) -> Self {
        Self::new(Engine::Wallet, name)
    }

    fn new(engine: Engine, name: &str) -> Self {
        let name = name.to_owned();
        Self { engine, name }
    }

    /// Where inputs that break a promise are written.
    pub(super) fn artifacts(&self, root: &Path) -> PathBuf {
        let name = &self.name;
        match self.engine {
            Engine::Rust => root.join("fuzz/artifacts").join(name),
            Engine::Go => root.join("go/cmd/auditverify/testdata/fuzz").join(name),
            Engine::Wallet => root.join("fuzz/artifacts").join(format!("wallet-{name}")),
        }
    }

    /// For so many seconds; an error if something was found.
    pub(super) fn run(&self, root: &Path, seconds: u64) -> Result<()> {
        let name = self.name.as_str();
        let mut command = match self.engine {
            Engine::Rust => {
                let limit = format!("-max_total_time={seconds}");
                let line = ["run", name, "--", &limit, "-print_final_stats=1"];
                nightly(root, &[&line, BOUNDS].concat())
            }
            Engine::Go => {
                let (only, time) = (format!("-fuzz=^{name}$"), format!("-fuzztime={seconds}s"));
                go(
                    root,
                    &["test", "-run=^$", &only, &time, "-parallel=1", VERIFIER],
                )
            }
            Engine::Wallet => wallet(root, &[name, "--seconds", &seconds.to_string()]),
        };
        run::checked(&mut command)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = match self.engine {
            Engine::Rust => "",
            Engine::Go => "go/",
            Engine::Wallet => "wallet/",
        };
        write!(f, "{folder}{}", self.name)
    }
}

/// A `+toolchain` is understood by the proxy in PATH, not by the cargo that runs this.
fn nightly(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["+nightly", "fuzz"])
        .args(arguments)
        .current_dir(root);
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}

fn go(root: &Path, arguments: &[&str]) -> Command {
    run::command(&root.join("go"), &[&["go"], arguments].concat())
}

fn wallet(root: &Path, arguments: &[&str]) -> Command {
    let line = [&["node", "tools/fuzz.mjs"], arguments].concat();
    run::command(&root.join("wallet"), &line)
}
