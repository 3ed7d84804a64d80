//! What a process has used.

use anyhow::{Context, Result};
use std::time::Duration;

/// Time on processors, in user and kernel mode, of all threads that live: nanoseconds of
/// `/proc/PID/task/*/schedstat`, which are finer than the ticks of `stat`.
pub(crate) fn cpu(process: u32) -> Result<Duration> {
    let mut total = 0;
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end meanwhile.
        let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let spent = text
            .split_whitespace()
            .next()
            .context("malformed schedstat")?;
        total += spent.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(total))
}

/// The same of the calling thread.
pub(super) fn own_thread() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let spent = text
        .split_whitespace()
        .next()
        .context("malformed schedstat")?;
    Ok(Duration::from_nanos(spent.parse()?))
}

/// Voluntary switches of all threads that live: how often one had to be woken.
pub(super) fn wakes(process: u32) -> Result<u64> {
    let mut total = 0;
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let Ok(text) = std::fs::read_to_string(task?.path().join("status")) else {
            continue;
        };
        total += field(&text, "voluntary_ctxt_switches:").context("malformed status")?;
    }
    Ok(total)
}

/// Resident memory, in KiB.
pub(crate) fn resident(process: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    field(&text, "VmRSS:").context("malformed status")
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
