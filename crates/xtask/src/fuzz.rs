//! Fuzz targets, one after the other, each for a bounded time.

use crate::run;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Of each target, unless `--minutes` says otherwise.
const DEFAULT: Duration = Duration::from_secs(30);
const USAGE: &str = "usage: cargo xtask fuzz [--minutes N] [TARGET…]  (N minutes of each target)";
const MISSING: &str =
    "needs nightly and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz";
/// No input is worth more memory, in one allocation or in all, or more time.
const BOUNDS: &[&str] = &["-rss_limit_mb=2048", "-malloc_limit_mb=512", "-timeout=25"];

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Plan {
    each: Duration,
    /// Empty stands for all.
    targets: Vec<String>,
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let plan = plan(arguments)?;
    let Ok(names) = run::output(&mut nightly(root, &["list"])) else {
        bail!(MISSING);
    };
    let names = String::from_utf8(names)?;
    let targets = chosen(&names.split_whitespace().collect::<Vec<_>>(), &plan.targets)?;
    println!("fuzz: building {} targets", targets.len());
    run::checked(&mut nightly(root, &["build"]))?;
    let mut found = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        let seconds = plan.each.as_secs();
        println!(
            "fuzz: {} of {}: {target} for {seconds} s",
            number + 1,
            targets.len()
        );
        found.extend(one(root, target, seconds)?);
    }
    match found.is_empty() {
        true => {
            println!("fuzz: {} targets, nothing found", targets.len());
            Ok(())
        }
        false => bail!("found: {}", found.join(", ")),
    }
}

/// Runs one target; what it found, if it did. New inputs stay in `fuzz/corpus/TARGET`, where git
/// does not see them, and are where the next run begins.
fn one(root: &Path, target: &str, seconds: u64) -> Result<Option<String>> {
    let artifacts = root.join("fuzz/artifacts").join(target);
    let before = listed(&artifacts)?;
    let limit = format!("-max_total_time={seconds}");
    let line = [
        &["run", target, "--", &limit, "-print_final_stats=1"],
        BOUNDS,
    ]
    .concat();
    let failed = run::checked(&mut nightly(root, &line)).err();
    let new: Vec<String> = listed(&artifacts)?
        .difference(&before)
        .map(|path| path.display().to_string())
        .collect();
    Ok(match (failed, new.is_empty()) {
        (None, true) => None,
        (Some(error), true) => Some(format!("{target}: {error}")),
        (_, false) => Some(format!("{target}: {}", new.join(", "))),
    })
}

fn listed(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    if !folder.is_dir() {
        return Ok(BTreeSet::new());
    }
    let entries = std::fs::read_dir(folder)?;
    entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()
}

fn plan(arguments: &[String]) -> Result<Plan> {
    let mut plan = Plan {
        each: DEFAULT,
        targets: Vec::new(),
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--minutes" => {
                let minutes = words.next().and_then(|number| number.parse::<u32>().ok());
                let minutes = minutes.filter(|minutes| *minutes > 0).context(USAGE)?;
                plan.each = Duration::from_secs(60 * u64::from(minutes));
            }
            flag if flag.starts_with('-') => bail!(USAGE),
            target => plan.targets.push(target.to_owned()),
        }
    }
    Ok(plan)
}

/// All, or those that are named, in their order.
fn chosen(all: &[&str], named: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = named.iter().find(|name| !all.contains(&name.as_str())) {
        bail!("no target `{unknown}`; there are {}", all.join(", "));
    }
    let wanted = |name: &&&str| named.is_empty() || named.iter().any(|named| named == **name);
    Ok(all.iter().filter(wanted).map(ToString::to_string).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_target_gets_half_a_minute_or_the_minutes_that_are_asked_for() {
        let asked = |line: &[&str]| plan(&words(line)).ok();
        let minutes = |number: u64, targets: &[&str]| Plan {
            each: Duration::from_secs(60 * number),
            targets: words(targets),
        };
        assert_eq!(asked(&[]).map(|plan| plan.each), Some(DEFAULT));
        assert_eq!(asked(&["--minutes", "5"]), Some(minutes(5, &[])));
        let named = Some(minutes(2, &["json", "token"]));
        assert_eq!(asked(&["json", "--minutes", "2", "token"]), named);
        for refused in [
            &["--minutes"][..],
            &["--minutes", "0"],
            &["--minutes", "x"],
            &["--seconds", "1"],
        ] {
            assert_eq!(asked(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn an_unknown_target_is_refused_and_none_stands_for_all() {
        let all = ["json", "token", "wrap"];
        assert_eq!(chosen(&all, &[]).unwrap(), all);
        assert_eq!(chosen(&all, &words(&["wrap"])).unwrap(), ["wrap"]);
        assert!(chosen(&all, &words(&["jsn"])).is_err());
    }

    #[test]
    fn an_artifact_is_told_from_those_that_were_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(listed(&folder.path().join("none")).unwrap().is_empty());
        let before = listed(folder.path()).unwrap();
        let artifact = folder.path().join("crash-1");
        std::fs::write(&artifact, b"x").unwrap();
        let after = listed(folder.path()).unwrap();
        assert_eq!(after.difference(&before).collect::<Vec<_>>(), [&artifact]);
    }
}
