//! Files that the process may have open: sockets must leave enough of them to the log, which
//! ends the process when it cannot go on.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for everything that is not a connection: 16 each for the log, the making of a snapshot and two
/// readers of the archive; the platform's files, fetches of issuers' keys, the runtime.
const RESERVE: u64 = 96;

/// How many connections there may be: `wanted`, or as many as the system lets a process have.
/// Raises the system's soft limit to its hard one.
pub(crate) fn connections(wanted: usize) -> usize {
    let limits = getrlimit(Resource::Nofile);
    let most = limits.maximum.or(limits.current);
    let raised = Rlimit {
        current: most,
        maximum: limits.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => most,
        Err(_) => limits.current,
    };
    let possible = beside(files, wanted);
    if possible < wanted {
        tracing::warn!(
            possible,
            wanted,
            "few open files are allowed, so fewer connections"
        );
    }
    possible
}

fn beside(files: Option<u64>, wanted: usize) -> usize {
    let left = files.map_or(u64::MAX, |files| files.saturating_sub(RESERVE));
    wanted
        .min(usize::try_from(left).unwrap_or(usize::MAX))
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_to_the_log() {
        assert_eq!(beside(None, 1024), 1024);
        assert_eq!(beside(Some(20_000), 1024), 1024);
        assert_eq!(beside(Some(1024), 1024), 928);
        assert_eq!(beside(Some(10), 1024), 1);
    }
}
