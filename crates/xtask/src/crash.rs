//! Crashes at length: the tests of what must survive them, with as many kills as are asked for.

use crate::run;
use anyhow::{Context, Result, bail};
use std::path::Path;

const DEFAULT_KILLS: u32 = 10_000;
/// Read by the test; without it, the number that CI has time for.
const KILLS: &str = "EVAULT_KILLS";

pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let kills = kills(arguments)?;
    println!("crash: every state of short histories, every splice and bit of a store");
    let store = ["every_crash", "crashes", "splicing", "tampering", "locked"];
    run::checked(&mut run::command(root, &line("vault-store", &store)))?;
    println!("crash: every system call fails or is the last; a full disk; {kills} kills");
    let processes = ["injected", "full_disk", "kill"];
    let mut command = run::command(root, &line("vault-test", &processes));
    run::checked(command.env(KILLS, kills.to_string()))
}

fn kills(arguments: &[String]) -> Result<u32> {
    let kills = match arguments {
        [] => DEFAULT_KILLS,
        [flag, number] if flag == "--kills" => number.parse().context("--kills takes a number")?,
        _ => bail!("usage: cargo xtask crash [--kills N]"),
    };
    if kills == 0 {
        bail!("--kills 0 would show nothing");
    }
    Ok(kills)
}

fn line<'a>(package: &'a str, tests: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec![
        "cargo",
        "test",
        "--release",
        "--locked",
        "--package",
        package,
    ];
    for test in tests {
        line.extend(["--test", test]);
    }
    line.extend(["--", "--nocapture", "--test-threads", "1"]);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_kills_is_ten_thousand_or_what_is_asked_for() {
        let asked = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            kills(&words).ok()
        };
        assert_eq!(asked(&[]), Some(10_000));
        assert_eq!(asked(&["--kills", "7"]), Some(7));
        for refused in [
            &["--kills", "0"][..],
            &["--kills"],
            &["7"],
            &["--kills", "x"],
        ] {
            assert_eq!(asked(refused), None);
        }
    }
}
