//! What a name stands for, whatever other names it has.

use crate::files::{is_dash, parent};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where writing loses everything anyway, and reading finds nothing.
const NOWHERE: &str = "/dev/null";
const STDIN: &str = "/dev/stdin";
const STDOUT: &str = "/dev/stdout";
/// Links that are followed to a file that is not there yet, as the kernel does.
const MOST_LINKS: usize = 40;

#[derive(PartialEq, Eq)]
pub(crate) enum Place {
    /// What is there: device and inode.
    There(u64, u64),
    /// Where it will be made.
    Free(PathBuf),
}

impl Place {
    pub(crate) fn of_input(path: &Path) -> Self {
        Self::of(if is_dash(path) { STDIN.as_ref() } else { path })
    }

    pub(crate) fn of_output(path: &Path) -> Self {
        Self::of(if is_dash(path) { STDOUT.as_ref() } else { path })
    }

    fn of(path: &Path) -> Self {
        match std::fs::metadata(path) {
            Ok(found) => Self::There(found.dev(), found.ino()),
            Err(_) => Self::Free(resolved(path)),
        }
    }

    pub(crate) fn is_nowhere(&self) -> bool {
        *self == Self::of(Path::new(NOWHERE))
    }
}

/// Whether what is written there leaves through stdout, under whatever name.
pub(crate) fn is_stdout(path: &Path) -> bool {
    is_dash(path) || Place::of_output(path) == Place::of(Path::new(STDOUT))
}

/// The path without links, as far as it exists.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let mut path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for _ in 0..MOST_LINKS {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = parent(&path).join(target);
    }
    let real = |above: &Path| {
        let rest = path.strip_prefix(above).ok()?;
        let found = above.canonicalize().ok()?;
        // Joined with nothing, it would be the name of a folder.
        Some(match rest.as_os_str().is_empty() {
            true => found,
            false => found.join(rest),
        })
    };
    let found = path.ancestors().find_map(real);
    found.unwrap_or(path)
}
