//! `vault-soak [--minutes N | --seconds N] [--seed N]`: a vault under honest tenants and a hostile one,
//! killed and started again and again. One summary; it fails if anything was wrong, lost, or grew.

use anyhow::{Context, Result, bail};
use std::time::Duration;
use vault_test::soak::{self, Plan};

/// Without an argument.
const MINUTES: u64 = 10;

fn main() -> Result<()> {
    let mut length = Duration::from_secs(60 * MINUTES);
    let mut seed = 1;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let number: u64 = arguments.next().context("a number is missing")?.parse()?;
        match name.as_str() {
            "--minutes" => length = Duration::from_secs(number.saturating_mul(60)),
            "--seconds" => length = Duration::from_secs(number),
            "--seed" => seed = number,
            _ => bail!("usage: vault-soak [--minutes N | --seconds N] [--seed N]"),
        }
    }
    let server = std::env::current_exe()?.with_file_name("sim-vault");
    let server = server.to_str().context("the path is not UTF-8")?;
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let plan = Plan::of(length, seed);
    println!("soak: {} s, seed {seed}", length.as_secs());
    let summary = runtime.block_on(soak::run(plan, server, dir.path()))?;
    print!("{}", summary.text());
    summary.verdict()?;
    println!("soak: passed");
    Ok(())
}
