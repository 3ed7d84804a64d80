//! Mutation testing of the crates that decide: each change that `cargo-mutants` makes must fail a
//! test, or be justified in docs/mutants.md.

use crate::run;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const USAGE: &str = "usage: cargo xtask mutants [--minutes N] [--shard K/N] [CRATE…]";
const MISSING: &str = "needs cargo-mutants: cargo install --locked cargo-mutants";
const REPORT: &str = "docs/mutants.md";
/// What is mutated, unless others are named, and whose tests must notice.
const CRATES: &[Mutated] = &[
    Mutated {
        name: "vault-policy",
        files: &[],
        tests: &["vault-policy", "policy-reference"],
        quick: TARGETS,
    },
    Mutated {
        name: "vault-approval",
        files: &[],
        tests: &["vault-approval"],
        quick: TARGETS,
    },
    Mutated {
        name: "vault-core",
        files: &["crates/vault-core/src/authn/**"],
        tests: &["vault-core"],
        quick: &["--lib"],
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
const SHORTEST_PATIENCE: &str = "60";
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
}

/// The targets of all rounds but the first.
const TARGETS: &[&str] = &["--lib", "--tests"];

/// What is asked for.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Plan {
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

/// What became of the mutants that were tried.
#[derive(Default, Debug)]
struct Outcome {
    caught: usize,
    /// They never end, which is noticed, too. Tried again by the tests that come next.
    endless: usize,
    survived: usize,
    unviable: usize,
    survivors: BTreeSet<String>,
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
        let (outcome, ended) = mutate(root, crate_, plan.shard.as_deref(), deadline)?;
        println!("mutants: {}: {}", crate_.name, said(&outcome, ended));
        unknown.extend(outcome.survivors.difference(&justified).cloned());
        if percent(&outcome) < CAUGHT {
            bail!("{}: less than {CAUGHT} % are caught", crate_.name);
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

/// What became of the mutants of one crate, and whether all were tried.
fn mutate(
    root: &Path,
    crate_: &Mutated,
    shard: Option<&str>,
    deadline: Option<Instant>,
) -> Result<(Outcome, bool)> {
    let folder = root.join("target/mutants").join(crate_.name);
    std::fs::create_dir_all(&folder)?;
    let mut all = Outcome::default();
    // The first round is a quick one, with few of the generated cases.
    let quick = crate_.tests.first().map(|tests| (tests, crate_.quick));
    let others = crate_.tests.iter().map(|tests| (tests, TARGETS));
    for (round, (tests, targets)) in quick.into_iter().chain(others).enumerate() {
        let mut command = line(root, &folder, crate_, tests, shard);
        match round {
            0 => command.env("PROPTEST_CASES", FEW_CASES),
            _ => command.arg("--iterate"),
        };
        command.arg("--").args(targets).args(["--", "--quiet"]);
        for skipped in SKIPPED {
            command.args(["--skip", skipped]);
        }
        let ended = bounded(command.process_group(0).spawn()?, deadline)?;
        all.then(outcome(&folder.join("mutants.out"))?);
        if !ended {
            return Ok((all, false));
        }
    }
    Ok((all, true))
}

fn line(root: &Path, out: &Path, crate_: &Mutated, tests: &str, shard: Option<&str>) -> Command {
    let mut command = run::command(root, &["cargo", "mutants", "--no-shuffle"]);
    command.envs(QUICK.iter().copied());
    command.args(["--package", crate_.name, "--test-package", tests]);
    command.args(["--minimum-test-timeout", SHORTEST_PATIENCE]);
    command.arg("--output").arg(out);
    for file in crate_.files {
        command.args(["--file", file]);
    }
    if let Some(shard) = shard {
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

fn outcome(folder: &Path) -> Result<Outcome> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let missed = read("missed.txt")?;
    Ok(Outcome {
        caught: read("caught.txt")?.lines().count(),
        endless: read("timeout.txt")?.lines().count(),
        unviable: read("unviable.txt")?.lines().count(),
        survived: missed.lines().count(),
        survivors: missed.lines().map(identity).collect(),
    })
}

impl Outcome {
    /// Other tests were then run on those that had survived or never ended.
    fn then(&mut self, next: Self) {
        let (caught, unviable) = (self.caught, self.unviable);
        *self = next;
        self.caught += caught;
        self.unviable += unviable;
    }

    fn noticed(&self) -> usize {
        self.caught + self.endless
    }
}

/// `crates/x/src/y.rs:12:5: replace …` without the place in the file, which moves.
fn identity(line: &str) -> String {
    match line.split_once(": ") {
        Some((place, what)) => {
            let file = place.split(':').next().unwrap_or_default();
            format!("{file}: {what}")
        }
        None => line.to_owned(),
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

fn percent(outcome: &Outcome) -> usize {
    let viable = outcome.noticed() + outcome.survived;
    (100 * outcome.noticed()).checked_div(viable).unwrap_or(100)
}

fn said(outcome: &Outcome, ended: bool) -> String {
    format!(
        "{} caught, {} survive, {} do not build; {} % caught{}",
        outcome.noticed(),
        outcome.survived,
        outcome.unviable,
        percent(outcome),
        if ended {
            ""
        } else {
            "; ended before all were tried"
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &[&str]) -> Option<Plan> {
        plan(&line.iter().map(ToString::to_string).collect::<Vec<_>>()).ok()
    }

    #[test]
    fn everything_is_mutated_without_a_bound_unless_it_is_said_otherwise() {
        assert_eq!(asked(&[]), Some(Plan::default()));
        let bounded = Plan {
            limit: Some(Duration::from_secs(300)),
            shard: Some("1/8".into()),
            crates: vec!["vault-policy".into()],
        };
        let line = ["--minutes", "5", "vault-policy", "--shard", "1/8"];
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

    #[test]
    fn outcomes_are_counted_and_what_does_not_build_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("caught.txt", "a\nb\n"),
            ("timeout.txt", "c\n"),
            ("unviable.txt", "d\n"),
            ("missed.txt", "src/x.rs:1:2: replace f -> bool with true\n"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let first = outcome(folder.path()).unwrap();
        assert_eq!(percent(&first), 75);
        let mut outcome = Outcome {
            caught: 7,
            endless: 1,
            survived: 2,
            unviable: 3,
            survivors: BTreeSet::from(["noticed later".to_owned()]),
        };
        outcome.then(first);
        let counts = (outcome.noticed(), outcome.survived, outcome.unviable);
        assert_eq!(counts, (10, 1, 4));
        assert!(said(&outcome, false).ends_with("ended before all were tried"));
        let survivor = "src/x.rs: replace f -> bool with true".to_owned();
        assert_eq!(outcome.survivors, BTreeSet::from([survivor]));
    }
}
