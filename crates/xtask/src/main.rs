//! Checks and generators of this workspace: `cargo xtask help`.

mod advisories;
mod bench;
mod crash;
mod fuzz;
mod layers;
mod licences;
mod mutants;
mod run;
mod silence;
mod sizes;
mod soak;
mod suites;
mod tests;

use anyhow::{Result, bail};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  test         everything that must hold: format, lints, layers, sizes, licences, docs,
               the tests of every language, the demo
  layers       which crate may depend on which, and what the deciding crates may not touch
  sizes        files and functions that have outgrown their names
  licences     the licence of every dependency, against deny.toml (offline)
  advisories   known vulnerabilities of dependencies; SKIPPED where the database is out of reach
  wallet [--test]  the wallet's pages, from their sources into target/wallet; or their tests
  bench        signatures per server core as a share of `openssl speed`, in the same run
  crash [--kills N]  crashes at length: every state, every system call, N kills (default 10000)
  soak [--minutes N]  honest tenants and a hostile one, kills and restarts (default 10 minutes)
  fuzz [--minutes N] [TARGET…]  every fuzz target, or these, for N minutes each (default: half
               a minute each); those in Rust need nightly and cargo-fuzz
  mutants [--resume] [--minutes N] [--shard K/N] [CRATE…]  every mutation of the deciding crates
               fails a test or is justified in docs/mutants.md; needs cargo-mutants

Example: cargo xtask layers
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let root = run::workspace_root()?;
    let (command, rest) = match arguments {
        [] => ("help", &[][..]),
        [command, rest @ ..] => (command.as_str(), rest),
    };
    match command {
        "test" => tests::run(&root),
        "layers" => layers::run(&root),
        "sizes" => sizes::run(&root),
        "licences" => licences::run(&root),
        "advisories" => advisories::run(&root),
        "wallet" => suites::wallet(&root, rest),
        "bench" => bench::run(&root, rest),
        "crash" => crash::run(&root, rest),
        "soak" => soak::run(&root, rest),
        "fuzz" => fuzz::run(&root, rest),
        "mutants" => mutants::run(&root, rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        unknown => bail!("no command `{unknown}`; try `cargo xtask help`"),
    }
}
