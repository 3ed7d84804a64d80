//! Running other programs, and finding the workspace.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that holds the workspace.
pub(crate) fn workspace_root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("xtask stands outside a workspace")
}

/// A program in the workspace's root; `cargo` is the one that runs this.
pub(crate) fn command(root: &Path, line: &[&str]) -> Command {
    let (program, arguments) = line.split_first().unwrap_or((&"true", &[]));
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(if *program == "cargo" {
        cargo.as_str()
    } else {
        program
    });
    command.args(arguments).current_dir(root);
    command
}

/// Runs to the end; an exit status other than 0 is an error.
pub(crate) fn checked(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command
        .status()
        .with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}

/// Runs to the end and gives what it printed on stdout.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let shown = format!("{command:?}");
    let output = command
        .output()
        .with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!(
            "{shown} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}

/// Every file below `folder` with this extension, build folders left out, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if path.is_dir() && !matches!(name, "target" | "node_modules" | ".git") {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Code without its tests: what stands before the first test module of the file. Empty for a
/// file that is a test module itself.
pub(crate) fn code_without_tests(path: &Path, source: &str) -> String {
    if is_test_module(path) {
        return String::new();
    }
    source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Whether a module beside or above declares this file, or a folder above it, for tests only.
fn is_test_module(path: &Path) -> bool {
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let Some(folder) = path.parent() else {
        return false;
    };
    if stem != "mod" && declared_for_tests(folder, stem) {
        return true;
    }
    folder
        .ancestors()
        .take_while(|above| !above.ends_with("src"))
        .any(|above| {
            let name = above
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            above
                .parent()
                .is_some_and(|parent| declared_for_tests(parent, name))
        })
}

/// Whether a file of this folder, or the one that stands for it, has the module for tests only.
fn declared_for_tests(folder: &Path, module: &str) -> bool {
    let beside = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut sources = beside.chain([folder.with_extension("rs")]);
    let tail = format!("mod {module};");
    let named = format!("#[path = \"{module}.rs\"]");
    sources.any(|source| {
        let text = std::fs::read_to_string(source).unwrap_or_default();
        text.split("#[cfg(test)]\n").skip(1).any(|behind| {
            let mut lines = behind.lines();
            lines
                .find(|line| !line.starts_with("#[") || *line == named)
                .is_some_and(|line| line.ends_with(&tail) || line == named)
        })
    })
}
