//! Fuzz targets of all languages, one after the other, each for a bounded time.

mod engine;

use anyhow::{Context, Result, bail};
use engine::{Target, targets};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Of each target, unless `--minutes` says otherwise.
const DEFAULT: Duration = Duration::from_secs(30);
const USAGE: &str = "usage: cargo xtask fuzz [--minutes N] [TARGET…]  (N minutes of each target)";

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Plan {
    each: Duration,
    /// Empty stands for all.
    targets: Vec<String>,
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let plan = plan(arguments)?;
    let targets = chosen(targets(root)?, &plan.targets)?;
    println!("fuzz: building {} targets", targets.len());
    engine::prepare(root, &targets)?;
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

/// Runs one target; what it found, if it did. New inputs stay where git does not see them, and are
/// where the next run begins.
fn one(root: &Path, target: &Target, seconds: u64) -> Result<Option<String>> {
    let artifacts = target.artifacts(root);
    let before = listed(&artifacts)?;
    let failed = target.run(root, seconds).err();
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
fn chosen(all: Vec<Target>, named: &[String]) -> Result<Vec<Target>> {
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    if let Some(unknown) = named.iter().find(|name| !names.contains(name)) {
        bail!("no target `{unknown}`; there are {}", names.join(", "));
    }
    let wanted = |name: &String| named.is_empty() || named.contains(name);
    let chosen = all.into_iter().zip(names).filter(|(_, name)| wanted(name));
    Ok(chosen.map(|(target, _)| target).collect())
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
        let all = || {
            vec![
                Target::rust("json"),
                Target::go("FuzzTiles"),
                Target::wallet("told"),
            ]
        };
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        let named = chosen(all(), &words(&["wallet/told", "json"])).unwrap();
        assert_eq!(named, [Target::rust("json"), Target::wallet("told")]);
        assert!(chosen(all(), &words(&["told"])).is_err());
    }

    #[test]
    fn every_target_of_the_tree_is_listed_once() {
        let root = crate::run::workspace_root().unwrap();
        let listed = engine::rust(&root).unwrap();
        let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
        let programs = manifest.matches("[[bin]]").count();
        assert_eq!(
            (listed.len(), listed.contains(&Target::rust("json"))),
            (programs, true)
        );
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
