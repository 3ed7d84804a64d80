//! Files that one command writes: no two may be the same, or the later would replace the earlier
//! without a word.

use crate::context::usage;
use crate::files::is_dash;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use vault_client::Result;

/// Where writing loses everything anyway.
const NOWHERE: &str = "/dev/null";
/// Links that are followed to a file that is not there yet, as the kernel does.
const MOST_LINKS: usize = 40;

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
    paths.any(is_dash)
}

fn is_same(one: &Path, other: &Path) -> bool {
    if is_dash(one) && is_dash(other) {
        return true;
    }
    let (one, other) = (Place::of(one), Place::of(other));
    one == other && one != Place::of(Path::new(NOWHERE))
}

/// What a name stands for.
#[derive(PartialEq, Eq)]
enum Place {
    /// What is there: device and inode.
    There(u64, u64),
    /// Where it will be made.
    Free(PathBuf),
}

impl Place {
    fn of(path: &Path) -> Self {
        let path = match is_dash(path) {
            true => Path::new("/dev/stdout"),
            false => path,
        };
        match std::fs::metadata(path) {
            Ok(found) => Self::There(found.dev(), found.ino()),
            Err(_) => Self::Free(resolved(path)),
        }
    }
}

/// The path without links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let mut path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for _ in 0..MOST_LINKS {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = crate::files::parent(&path).join(target);
    }
    let real = |above: &Path| {
        let rest = path.strip_prefix(above).ok()?;
        Some(above.canonicalize().ok()?.join(rest))
    };
    let found = path.ancestors().find_map(real);
    found.unwrap_or(path)
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
        assert!(twice(NOWHERE).is_ok());
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
