//! `vault-bench [--quick | --only LOAD]`: what a vault makes of a core, as a share of what a core makes of the
//! bare operation in the same run. A table, and behind it one line of JSON. Only ratios are worth
//! quoting.

use anyhow::{Context, Result, bail};
use vault_test::bench::{self, Plan};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (plan, only) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (Plan::full(), None),
        ["--quick"] => (Plan::quick(), None),
        ["--only", load] => (Plan::full(), Some(load.to_owned())),
        _ => bail!("usage: vault-bench [--quick | --only LOAD]"),
    };
    let server = std::env::current_exe()?.with_file_name("sim-vault");
    let server = server.to_str().context("the path is not UTF-8")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (table, value) = runtime.block_on(bench::run(plan, only.as_deref(), server))?;
    print!("{table}");
    println!("{value}");
    Ok(())
}
