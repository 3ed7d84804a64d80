//! Mutation testing of the crates that decide: each change that `cargo-mutants` makes must fail a
//! test, or be justified in docs/mutants.md.

mod tally;

use crate::run;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tally::Tally;

const USAGE: &str = "usage: cargo xtask mutants [--resume] [--minutes N] [--shard K/N] [CRATE…]";
const MISSING: &str = "needs cargo-mutants: cargo install --locked cargo-mutants";
const REPORT: &str = "docs/mutants.md";
/// What is mutated, unless others are named, and whose tests must notice.
const CRATES: &[Mutated] = &[
    Mutated {
        name: "vault-policy",
        files: &[],
        tests: &["vault-policy", "policy-reference"],
        quick: TARGETS,
        first: &[],
    },
    Mutated {
        name: "vault-approval",
        files: &[],
        tests: &["vault-approval"],
        quick: TARGETS,
        first: &[],
    },
    Mutated {
        name: "vault-core",
        files: &["crates/vault-core/src/authn/**"],
        tests: &["vault-core"],
        quick: &["--lib"],
        first: &["authn::"],
    },
];
/// A mutant is built once and its tests are short: what counts is how fast it is built. Without
/// optimization, a stack is larger.
const QUICK: &[(&str, &str)] = &[
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ("CARGO_PROFILE_DEV_OPT_LEVEL", "0"),
    ("RUST_MIN_STACK", "33554432"),
];
const FEW_CASES: &str = "32";
/// In seconds: other programs may run beside it.
const SHORTEST_PATIENCE: &str = "120";
/// These run other builds, or all cases again; or they measure what the tests themselves generate.
const SKIPPED: &[&str] = &[
    "every_listed_mutation",
    "generated_updates_are_neither_all_taken_nor_all_refused",
    "generated_cases_are_neither_all_allowed_nor_all_refused",
];
/// Of the mutants that build, in percent.
const CAUGHT: usize = 95;

/// A crate, the files in it (empty stands for all), and the crates whose tests are run one after
/// another: each sees only what has survived those before it.
struct Mutated {
    name: &'static str,
    files: &'static [&'static str],
    tests: &'static [&'static str],
    /// The targets of the first round.
    quick: &'static [&'static str],
    /// Parts of the names of the tests of the first round; none stands for all tests.
    first: &'static [&'static str],
}

/// The targets of all rounds but the first.
const TARGETS: &[&str] = &["--lib", "--tests"];

/// What is asked for.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Plan {
    /// What an ended run has tried is not tried again.
    resume: bool,
    limit: Option<Duration>,
    shard: Option<String>,
    /// Empty stands for all.
    crates: Vec<String>,
}

impl Plan {
    fn names(&self, crate_name: &str) -> bool {
        self.crates.is_empty() || self.crates.iter().any(|wanted| wanted == crate_name)
    }
}

pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let plan = plan(arguments)?;
    if run::output(&mut run::command(root, &["cargo", "mutants", "--version"])).is_err() {
        bail!(MISSING);
    }
    let deadline = plan.limit.map(|limit| Instant::now() + limit);
    let justified = justified(&std::fs::read_to_string(root.join(REPORT))?);
    let mut unknown = Vec::new();
    for crate_ in CRATES.iter().filter(|crate_| plan.names(crate_.name)) {
        let (tally, ended) = mutate(root, crate_, &plan, deadline)?;
        println!("mutants: {}: {}", crate_.name, tally.said());
        unknown.extend(tally.survivors().difference(&justified).cloned());
        if tally.percent() < CAUGHT {
            bail!("{}: less than {CAUGHT} % are caught", crate_.name);
        }
        if ended && tally.untried() > 0 {
            bail!("{}: mutants were left out; see above for why", crate_.name);
        }
    }
    for survivor in &unknown {
        println!("mutants: survives, and {REPORT} does not say why: {survivor}");
    }
    match unknown.len() {
        0 => Ok(()),
        count => bail!("{count} mutants survive that are not justified"),
    }
}

fn plan(arguments: &[String]) -> Result<Plan> {
    let mut plan = Plan::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--resume" => plan.resume = true,
            "--minutes" => {
                let minutes = words.next().and_then(|number| number.parse::<u32>().ok());
                let minutes = minutes.filter(|minutes| *minutes > 0).context(USAGE)?;
                plan.limit = Some(Duration::from_secs(60 * u64::from(minutes)));
            }
            "--shard" => plan.shard = Some(words.next().context(USAGE)?.clone()),
            name if CRATES.iter().any(|known| known.name == name) => {
                plan.crates.push(name.to_owned());
            }
            _ => bail!(USAGE),
        }
    }
    Ok(plan)
}

/// What became of the mutants of one crate, and whether there was time for all of them.
fn mutate(
    root: &Path,
    crate_: &Mutated,
    plan: &Plan,
    deadline: Option<Instant>,
) -> Result<(Tally, bool)> {
    let folder = root.join("target/mutants").join(crate_.name);
    let mut tally = Tally::open(folder, listed(root, crate_, plan)?, plan.resume)?;
    // The first round is a quick one, with few of the generated cases.
    let quick = crate_
        .tests
        .first()
        .map(|tests| (tests, crate_.quick, true));
    let others = crate_.tests.iter().map(|tests| (tests, TARGETS, false));
    for (tests, targets, few) in quick.into_iter().chain(others) {
        let mut command = round(root, &tally, crate_, plan);
        command.args(["--test-package", tests, "--"]).args(targets);
        command.args(["--", "--quiet"]);
        for skipped in SKIPPED {
            command.args(["--skip", skipped]);
        }
        if few {
            command.args(crate_.first);
            command.env("PROPTEST_CASES", FEW_CASES);
        }
        let ended = bounded(command.process_group(0).spawn()?, deadline)?;
        tally.absorb()?;
        if !ended {
            return Ok((tally, false));
        }
    }
    Ok((tally, true))
}

/// All mutants there are, by name.
fn listed(root: &Path, crate_: &Mutated, plan: &Plan) -> Result<BTreeSet<String>> {
    let mut command = run::command(root, &["cargo", "mutants", "--list"]);
    let names = run::output(mutated(&mut command, crate_, plan))?;
    Ok(String::from_utf8(names)?
        .lines()
        .map(str::to_owned)
        .collect())
}

fn round(root: &Path, tally: &Tally, crate_: &Mutated, plan: &Plan) -> Command {
    let mut command = run::command(root, &["cargo", "mutants", "--no-shuffle"]);
    mutated(&mut command, crate_, plan);
    command.envs(QUICK.iter().copied());
    command.args(["--minimum-test-timeout", SHORTEST_PATIENCE]);
    command.arg("--output").arg(tally.folder());
    if tally.goes_on() {
        command.arg("--iterate");
    }
    command
}

fn mutated<'a>(command: &'a mut Command, crate_: &Mutated, plan: &Plan) -> &'a mut Command {
    command.args(["--package", crate_.name]);
    for file in crate_.files {
        command.args(["--file", file]);
    }
    if let Some(shard) = &plan.shard {
        command.args(["--shard", shard]);
    }
    command
}

/// Waits for the end, or ends it and all its children at the deadline; whether it ended itself.
/// Survivors make it end with an error, so its status says nothing.
fn bounded(mut child: Child, deadline: Option<Instant>) -> Result<bool> {
    loop {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            crate::silence::end_group(child.id())?;
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// The survivors that the report lists: the first cell of each row, in code.
fn justified(report: &str) -> BTreeSet<String> {
    report
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|rest| rest.split_once("` |"))
        .map(|(name, _)| name.replace("\\|", "|"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tally::identity;

    fn asked(line: &[&str]) -> Option<Plan> {
        plan(&line.iter().map(ToString::to_string).collect::<Vec<_>>()).ok()
    }

    #[test]
    fn everything_is_mutated_without_a_bound_unless_it_is_said_otherwise() {
        assert_eq!(asked(&[]), Some(Plan::default()));
        let bounded = Plan {
            resume: true,
            limit: Some(Duration::from_secs(300)),
            shard: Some("1/8".into()),
            crates: vec!["vault-policy".into()],
        };
        let line = [
            "--minutes",
            "5",
            "vault-policy",
            "--shard",
            "1/8",
            "--resume",
        ];
        assert_eq!(asked(&line), Some(bounded));
        for refused in [&["--minutes"][..], &["--minutes", "0"], &["vault-server"]] {
            assert_eq!(asked(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn a_survivor_is_justified_by_its_row_wherever_it_stands_in_its_file() {
        let report = "| mutant | why |\n|---|---|\n| `a.rs: replace \\| with ^` | same |\n";
        let justified = justified(report);
        assert!(justified.contains(&identity("a.rs:12:5: replace | with ^")));
        assert!(!justified.contains(&identity("b.rs:12:5: replace | with ^")));
    }
}
