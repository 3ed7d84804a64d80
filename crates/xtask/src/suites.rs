//! The tests of every language, counted: `{lang, suite, passed, failed, ignored}`.

mod wallet;

pub(crate) use wallet::{prepare as wallet_ready, run as wallet};

use crate::{run, silence};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// No test, and no build of a crate, takes so long.
const LONGEST_SILENCE: Duration = Duration::from_secs(20 * 60);

/// What one suite did.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    lang: &'static str,
    name: String,
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Ignored tests that do not say why.
    without_reason: Vec<String>,
    /// What the failed tests printed, line by line.
    said: Vec<String>,
}

/// Lines of one suite's failures that are repeated at the end, where nobody has to look for them.
const REPEATED: usize = 120;

/// Runs everything, prints a line a suite, and fails for a failed test, a suite that ran
/// nothing, or an ignored test that gives no reason.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut suites = rust(root)?;
    suites.push(go(root)?);
    suites.extend(wallet::suites(root)?);
    report(&suites)
}

/// A line for each suite and one for all; fails where something is amiss.
fn report(suites: &[Suite]) -> Result<()> {
    for suite in suites {
        println!("{}", suite.line());
    }
    let sum = |count: fn(&Suite) -> u64| suites.iter().map(count).sum::<u64>();
    println!(
        "{} passed, {} failed, {} skipped",
        sum(|suite| suite.passed),
        sum(|suite| suite.failed),
        sum(|suite| suite.ignored)
    );
    for line in suites.iter().flat_map(|suite| &suite.said) {
        println!("{line}");
    }
    let complaints: Vec<String> = suites.iter().flat_map(Suite::complaints).collect();
    if !complaints.is_empty() {
        bail!("{}", complaints.join("; "));
    }
    Ok(())
}

impl Suite {
    fn line(&self) -> Value {
        json!({
            "lang": self.lang, "suite": self.name,
            "passed": self.passed, "failed": self.failed, "ignored": self.ignored,
        })
    }

    fn complaints(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.failed > 0 {
            found.push(format!("{}: {} tests failed", self.name, self.failed));
        }
        if self.passed + self.failed == 0 {
            found.push(format!("{} ran nothing", self.name));
        }
        for test in &self.without_reason {
            found.push(format!("{}: {test} is ignored without a reason", self.name));
        }
        found
    }
}

fn rust(root: &Path) -> Result<Vec<Suite>> {
    let packages = Packages::read(root)?;
    let line = "exec \"$CARGO\" test --workspace --locked --no-fail-fast 2>&1";
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = run::command(root, &["sh", "-c", line]);
    let mut counter = RustCounter::new(packages);
    let status = silence::lines(command.env("CARGO", cargo), LONGEST_SILENCE, |line| {
        println!("{line}");
        counter.take(line);
    })?;
    let suites = counter.finish();
    if !status.success() && suites.iter().all(|suite| suite.failed == 0) {
        bail!("cargo test ended with {status} before every test could run");
    }
    Ok(suites)
}

/// Which package a test target belongs to.
#[derive(Default)]
struct Packages {
    /// Library or program name, with underscores.
    by_target: BTreeMap<String, String>,
}

impl Packages {
    fn read(root: &Path) -> Result<Self> {
        let line = [
            "cargo",
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--locked",
        ];
        let metadata: Value =
            serde_json::from_slice(&run::output(&mut run::command(root, &line))?)?;
        let mut packages = Self::default();
        for package in metadata
            .get("packages")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let name = package
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            for target in package
                .get("targets")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                let target = target
                    .get("name")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                packages
                    .by_target
                    .insert(target.replace('-', "_"), name.to_owned());
            }
        }
        Ok(packages)
    }

    fn of(&self, target: &str) -> String {
        self.by_target
            .get(&target.replace('-', "_"))
            .cloned()
            .unwrap_or_else(|| target.to_owned())
    }
}

struct RustCounter {
    packages: Packages,
    suites: BTreeMap<String, Suite>,
    current: String,
    /// An integration test file and how many of its tests were seen.
    file: Option<(String, u64)>,
    empty_files: Vec<String>,
    /// Between the first `failures:` of a target and its result.
    failing: bool,
}

impl RustCounter {
    fn new(packages: Packages) -> Self {
        let names: Vec<String> = packages.by_target.values().cloned().collect();
        let mut suites = BTreeMap::new();
        for name in names {
            suites.entry(name.clone()).or_insert_with(|| Suite {
                lang: "rust",
                name,
                ..Suite::default()
            });
        }
        Self {
            packages,
            suites,
            current: String::new(),
            file: None,
            empty_files: Vec::new(),
            failing: false,
        }
    }

    fn take(&mut self, line: &str) {
        let trimmed = line.trim_start();
        self.hear(line);
        if let Some(rest) = trimmed.strip_prefix("Running ") {
            self.start(rest);
        } else if let Some(library) = trimmed.strip_prefix("Doc-tests ") {
            self.end_file();
            self.current = self.packages.of(library);
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.count(result);
        } else if let Some(test) = line.strip_prefix("test ")
            && let Some(name) = test.strip_suffix(" ... ignored")
        {
            let name = name.to_owned();
            self.suite().without_reason.push(name);
        }
    }

    fn hear(&mut self, line: &str) {
        self.failing |= line == "failures:";
        if line.starts_with("test result: ") {
            self.failing = false;
        }
        if self.failing && !line.is_empty() && self.suite().said.len() < REPEATED {
            let name = self.current.clone();
            self.suite().said.push(format!("{name}: {line}"));
        }
    }

    /// `unittests src/lib.rs (target/debug/deps/vault_policy-0123)` or `tests/a.rs (…/a-0123)`.
    fn start(&mut self, rest: &str) {
        self.end_file();
        let Some((file, path)) = rest.split_once(" (") else {
            return;
        };
        let program = path.rsplit('/').next().unwrap_or_default();
        let target = program
            .rsplit_once('-')
            .map_or(program, |(target, _)| target);
        // Several packages may have a test file of the same name; a package's files follow its
        // library.
        if !file.starts_with("tests/") {
            self.current = self.packages.of(target);
        } else {
            self.file = Some((format!("{}: {file}", self.current), 0));
        }
    }

    fn count(&mut self, result: &str) {
        let number = |word: &str| -> u64 {
            let before = result.split(word).next().unwrap_or_default();
            before
                .rsplit([' ', '.', ';'])
                .find_map(|text| text.trim().parse().ok())
                .unwrap_or(0)
        };
        let (passed, failed, ignored) = (number(" passed"), number(" failed"), number(" ignored"));
        if let Some((_, seen)) = &mut self.file {
            *seen += passed + failed;
        }
        let suite = self.suite();
        suite.passed += passed;
        suite.failed += failed;
        suite.ignored += ignored;
    }

    fn suite(&mut self) -> &mut Suite {
        let name = self.current.clone();
        self.suites.entry(name.clone()).or_insert_with(|| Suite {
            lang: "rust",
            name,
            ..Suite::default()
        })
    }

    fn end_file(&mut self) {
        if let Some((file, 0)) = self.file.take() {
            self.empty_files.push(file);
        }
    }

    fn finish(mut self) -> Vec<Suite> {
        self.end_file();
        let mut suites: Vec<Suite> = self.suites.into_values().collect();
        for name in self.empty_files {
            suites.push(Suite {
                lang: "rust",
                name,
                ..Suite::default()
            });
        }
        suites
    }
}

fn go(root: &Path) -> Result<Suite> {
    let output = run::command(
        &root.join("go"),
        &["go", "test", "-count=1", "-json", "./..."],
    )
    .stderr(Stdio::inherit())
    .output()
    .context("cannot start go")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let suite = count_go(&said);
    if !output.status.success() && suite.failed == 0 {
        bail!("go test ended with {}: {said}", output.status);
    }
    Ok(suite)
}

fn count_go(said: &str) -> Suite {
    let mut suite = Suite {
        lang: "go",
        name: "go".into(),
        ..Suite::default()
    };
    let mut reasons: BTreeMap<String, String> = BTreeMap::new();
    for event in said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("Test").is_empty() {
            continue;
        }
        let test = format!("{} {}", text("Package"), text("Test"));
        match text("Action") {
            "pass" => suite.passed += 1,
            "fail" => {
                suite.failed += 1;
                println!(
                    "go: {test} failed: {}",
                    reasons.get(&test).map_or("", String::as_str)
                );
            }
            "output" => reasons.entry(test).or_default().push_str(text("Output")),
            "skip" => {
                suite.ignored += 1;
                if !reasons.get(&test).is_some_and(|said| said.contains(".go:")) {
                    suite.without_reason.push(test);
                }
            }
            _ => {}
        }
    }
    suite
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> Vec<Suite> {
        let mut packages = Packages::default();
        packages
            .by_target
            .insert("vault_policy".into(), "vault-policy".into());
        packages
            .by_target
            .insert("vectors".into(), "vault-policy".into());
        let mut counter = RustCounter::new(packages);
        lines.iter().for_each(|line| counter.take(line));
        counter.finish()
    }

    const UNIT: &str = "     Running unittests src/lib.rs (target/debug/deps/vault_policy-0a1b)";
    const FILE: &str = "     Running tests/vectors.rs (target/debug/deps/vectors-0a1b)";

    #[test]
    fn adds_up_the_targets_of_one_package() {
        let suites = counted(&[
            UNIT,
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
            FILE,
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            "   Doc-tests vault_policy",
            "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        ]);
        let [suite] = suites.as_slice() else {
            panic!("{suites:?}")
        };
        assert_eq!((suite.passed, suite.failed, suite.ignored), (19, 2, 1));
        assert_eq!(suite.complaints(), ["vault-policy: 2 tests failed"]);
    }

    #[test]
    fn repeats_at_the_end_which_tests_failed_and_what_they_said() {
        let suites = counted(&[
            UNIT,
            "test a ... FAILED",
            "failures:",
            "",
            "---- a stdout ----",
            "thread 'a' panicked at src/lib.rs:1:1:",
            "failures:",
            "    a",
            "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
            "error: 1 target failed:",
        ]);
        let said: Vec<&String> = suites.iter().flat_map(|suite| &suite.said).collect();
        assert_eq!(said.len(), 5, "{said:?}");
        assert_eq!(said.last().unwrap().as_str(), "vault-policy:     a");
    }

    #[test]
    fn counts_a_test_file_for_the_package_whose_library_ran_before() {
        let mut packages = Packages::default();
        packages
            .by_target
            .insert("vault_policy".into(), "vault-policy".into());
        packages.by_target.insert("vectors".into(), "ratls".into());
        let mut counter = RustCounter::new(packages);
        let result = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        [UNIT, result, FILE, result]
            .iter()
            .for_each(|line| counter.take(line));
        let suites = counter.finish();
        let of = |name| {
            suites
                .iter()
                .find(|suite| suite.name == name)
                .map(|suite| suite.passed)
        };
        assert_eq!((of("vault-policy"), of("ratls")), (Some(2), Some(0)));
    }

    #[test]
    fn complains_of_a_suite_and_of_a_file_that_ran_nothing() {
        let nothing = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        let complaints: Vec<String> = counted(&[UNIT, nothing])
            .iter()
            .flat_map(Suite::complaints)
            .collect();
        assert_eq!(complaints, ["vault-policy ran nothing"]);
        let some = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        let complaints: Vec<String> = counted(&[UNIT, some, FILE, nothing])
            .iter()
            .flat_map(Suite::complaints)
            .collect();
        assert_eq!(complaints, ["vault-policy: tests/vectors.rs ran nothing"]);
    }

    #[test]
    fn complains_of_an_ignored_test_without_a_reason() {
        let result = "test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        let with = counted(&[UNIT, "test a ... ignored, takes an hour", result]);
        assert!(with.iter().flat_map(Suite::complaints).next().is_none());
        let without = counted(&[UNIT, "test a ... ignored", result]);
        assert_eq!(without.iter().flat_map(Suite::complaints).count(), 1);
    }

    #[test]
    fn counts_go_tests_and_their_skips() {
        let suite = count_go(
            "{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"TestA\"}\n\
             {\"Action\":\"pass\",\"Package\":\"p\"}\n\
             {\"Action\":\"skip\",\"Package\":\"p\",\"Test\":\"TestB\"}\n\
             {\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"TestC\"}\n",
        );
        assert_eq!((suite.passed, suite.failed, suite.ignored), (1, 1, 1));
        assert_eq!(suite.complaints().len(), 2);
    }
}
