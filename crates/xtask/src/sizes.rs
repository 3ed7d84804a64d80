//! Files and functions that have outgrown their names.

use crate::run;
use anyhow::{Result, bail};
use std::path::Path;

const FILE_LINES: usize = 500;
const DECIDING_FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;
const DECIDING: &[&str] = &[
    "vault-encoding",
    "vault-policy",
    "vault-keys",
    "vault-audit",
    "vault-core",
];
const TEXTS: &[(&str, usize)] = &[("README.md", 150), ("ARCHITECTURE.md", 200)];

pub(crate) fn run(root: &Path) -> Result<()> {
    let report = measure(root)?;
    for violation in &report.violations {
        println!("sizes: {violation}");
    }
    println!(
        "sizes: {} files, median {} lines; {} functions, median {}, 90th percentile {}",
        report.files.len(),
        percentile(&report.files, 50),
        report.functions.len(),
        percentile(&report.functions, 50),
        percentile(&report.functions, 90),
    );
    if !report.violations.is_empty() {
        bail!(
            "{} things have outgrown their names",
            report.violations.len()
        );
    }
    Ok(())
}

#[derive(Default)]
struct Report {
    files: Vec<usize>,
    functions: Vec<usize>,
    violations: Vec<String>,
}

fn measure(root: &Path) -> Result<Report> {
    let mut report = Report::default();
    for path in run::files(&root.join("crates"), "rs")? {
        let shown = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        if shown.contains("/src/gen/") || !shown.contains("/src/") {
            continue;
        }
        let source = std::fs::read_to_string(&path)?;
        let code = run::code_without_tests(&path, &source);
        let limit = if DECIDING
            .iter()
            .any(|name| shown.starts_with(&format!("crates/{name}/")))
        {
            DECIDING_FILE_LINES
        } else {
            FILE_LINES
        };
        report.file(&shown, &code, limit);
    }
    for (text, limit) in TEXTS {
        let lines = std::fs::read_to_string(root.join(text))
            .unwrap_or_default()
            .lines()
            .count();
        if lines > *limit {
            report
                .violations
                .push(format!("{text} has {lines} lines, {limit} at most"));
        }
    }
    Ok(report)
}

impl Report {
    fn file(&mut self, shown: &str, code: &str, limit: usize) {
        let lines = code.lines().count();
        self.files.push(lines);
        if lines > limit {
            self.violations
                .push(format!("{shown} has {lines} lines, {limit} at most"));
        }
        for (name, length) in functions(code) {
            self.functions.push(length);
            if length > FUNCTION_LINES {
                self.violations.push(format!(
                    "{shown}: {name} has {length} lines, {FUNCTION_LINES} at most"
                ));
            }
        }
    }
}

/// Name and length of every function, by the indentation that rustfmt gives it.
fn functions(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut open: Option<(String, usize, usize)> = None;
    for (number, line) in code.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if let Some((name, start, column)) = &open {
            if indent == *column && line.trim_start().starts_with('}') {
                found.push((name.clone(), number - start + 1));
                open = None;
            } else if indent == *column && line.trim_end().ends_with(';') {
                open = None;
            }
        } else if let Some(name) = function_name(line)
            && !line.trim_end().ends_with(['}', ';'])
        {
            open = Some((name, number, indent));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let line = line.trim_start();
    let (before, after) = line.split_once("fn ")?;
    let modifiers = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "const",
        "async",
        "unsafe",
        "extern",
    ];
    if !before
        .split_whitespace()
        .all(|word| modifiers.contains(&word))
    {
        return None;
    }
    Some(after.split(['(', '<']).next()?.to_owned())
}

fn percentile(values: &[usize], percent: usize) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted
        .get(sorted.len().saturating_sub(1) * percent / 100)
        .copied()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(path: &str, source: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, source).unwrap();
        measure(root.path()).unwrap().violations
    }

    #[test]
    fn finds_a_file_that_is_one_line_too_long() {
        let at_limit = "// x\n".repeat(FILE_LINES);
        let over = "// x\n".repeat(FILE_LINES + 1);
        assert!(planted("crates/vault-server/src/a.rs", &at_limit).is_empty());
        assert_eq!(planted("crates/vault-server/src/a.rs", &over).len(), 1);
        assert_eq!(planted("crates/vault-core/src/a.rs", &at_limit).len(), 1);
        assert!(planted("crates/vault-proto/src/gen/a.rs", &over).is_empty());
    }

    #[test]
    fn does_not_count_the_tests_of_a_file() {
        let source = format!(
            "fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            "// x\n".repeat(900)
        );
        assert!(planted("crates/vault-core/src/a.rs", &source).is_empty());
    }

    #[test]
    fn does_not_count_a_file_that_is_a_test_module() {
        let root = tempfile::tempdir().unwrap();
        let source = root.path().join("crates/vault-core/src/authn");
        std::fs::create_dir_all(&source).unwrap();
        std::fs::write(source.join("checks.rs"), "// x\n".repeat(900)).unwrap();
        std::fs::write(source.join("mod.rs"), "mod checks;\n").unwrap();
        assert_eq!(measure(root.path()).unwrap().violations.len(), 1);
        std::fs::write(source.join("mod.rs"), "#[cfg(test)]\nmod checks;\n").unwrap();
        assert!(measure(root.path()).unwrap().violations.is_empty());
    }

    #[test]
    fn finds_a_function_that_is_too_long() {
        let body = |lines| {
            format!(
                "    pub(crate) async fn long(\n        &self,\n    ) {{\n{}    }}\n",
                "        x();\n".repeat(lines)
            )
        };
        assert!(planted("crates/vault-server/src/a.rs", &body(FUNCTION_LINES - 4)).is_empty());
        let found = planted("crates/vault-server/src/a.rs", &body(FUNCTION_LINES));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("long has"));
    }

    #[test]
    fn finds_a_readme_that_is_too_long() {
        assert_eq!(planted("README.md", &"x\n".repeat(151)).len(), 1);
        assert!(planted("README.md", &"x\n".repeat(150)).is_empty());
    }
}
