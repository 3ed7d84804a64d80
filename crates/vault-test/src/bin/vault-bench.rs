//! `vault-bench [--quick | --only LOAD | --growth KEYS ENTRIES]`: what a vault makes of a core, as a share of what a core makes of the
//! bare operation in the same run. With `--growth`, only what a start and a call cost in stores of up to so many
//! keys or entries (10000000 entries take minutes, and 7 GB of disk). A table, and behind it one line of JSON. Only ratios are worth
//! quoting.

use anyhow::{Context, Result, bail};
use vault_test::bench::{self, Plan};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (plan, only) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (Plan::full(), None),
        ["--quick"] => (Plan::quick(), None),
        ["--only", load] => (Plan::full(), Some(load.to_owned())),
        ["--growth", keys, entries] => return growth(keys.parse()?, entries.parse()?),
        _ => bail!("usage: vault-bench [--quick | --only LOAD | --growth KEYS ENTRIES]"),
    };
    let server = server()?;
    print(runtime()?.block_on(bench::run(plan, only.as_deref(), &server))?);
    Ok(())
}

/// Only stores of powers of ten, up to so many keys and, in another store, so many entries.
fn growth(keys: usize, entries: usize) -> Result<()> {
    let mut plan = Plan::full();
    (plan.keys.1, plan.entries.1) = (keys, entries);
    print(runtime()?.block_on(bench::growth(plan, &server()?))?);
    Ok(())
}

fn server() -> Result<String> {
    let server = std::env::current_exe()?.with_file_name("sim-vault");
    let server = server.to_str().context("the path is not UTF-8")?;
    Ok(server.to_owned())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

fn print((table, value): (String, serde_json::Value)) {
    print!("{table}");
    println!("{value}");
}
