//! Files that one command writes: no two may be the same, or the later would replace the earlier
//! without a word.

use crate::context::usage;
use crate::files::is_dash;
use crate::place::{Place, is_stdout};
use std::path::Path;
use vault_client::Result;

/// Flags that name files to write, with the file where it is given.
type Named<'a> = [(&'a str, Option<&'a Path>)];

/// Refuses two flags that name one file, under whatever names. To be called before anything is
/// asked or written.
pub(crate) fn distinct(named: &Named<'_>) -> Result<()> {
    let given = named
        .iter()
        .filter_map(|(flag, path)| path.map(|path| (*flag, path)));
    let mut before: Vec<(&str, &Path)> = Vec::new();
    for (flag, path) in given {
        let other = before.iter().find(|(_, other)| is_same(other, path));
        if let Some((other, _)) = other {
            return Err(usage(format_args!(
                "{other} and {flag} name one file, {}: each needs its own",
                path.display()
            )));
        }
        before.push((flag, path));
    }
    Ok(())
}

/// Whether one of them is stdout, where nothing else is to be printed then.
pub(crate) fn takes_stdout(named: &Named<'_>) -> bool {
    let mut paths = named.iter().filter_map(|(_, path)| *path);
    paths.any(is_stdout)
}

fn is_same(one: &Path, other: &Path) -> bool {
    if is_dash(one) && is_dash(other) {
        return true;
    }
    let (one, other) = (Place::of_output(one), Place::of_output(other));
    one == other && !one.is_nowhere()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loses_everything_may_be_named_twice_and_stdout_may_not() {
        let twice = |name: &'static str| {
            let path = Some(Path::new(name));
            distinct(&[("--out", path), ("--identity", None), ("--vkey", path)])
        };
        assert!(twice("/dev/null").is_ok());
        let refused = twice("-").unwrap_err().message();
        assert!(refused.contains("--out and --vkey"), "{refused}");
    }

    #[test]
    fn a_file_that_is_not_there_yet_is_the_same_by_every_path_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        std::fs::create_dir(&real).unwrap();
        let other = dir.path().join("other");
        std::os::unix::fs::symlink("real", &other).unwrap();
        std::os::unix::fs::symlink("../other/deep/new", real.join("link")).unwrap();
        let new = real.join("deep/new");
        for same in [other.join("deep/new"), real.join("link")] {
            assert!(is_same(&new, &same), "{same:?}");
        }
        assert!(!is_same(&new, &real.join("deep/other")));
    }
}
