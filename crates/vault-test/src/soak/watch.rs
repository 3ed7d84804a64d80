//! What the vault's process holds.

use crate::bench::usage;
use anyhow::{Result, bail, ensure};
use std::time::{Duration, Instant};

/// Bytes of memory that an entry of the log may take: its leaf, its place in the tree, what a
/// snapshot takes for a while. More is a leak.
const MOST_PER_ENTRY: f64 = 8192.0;
/// Samples without which a slope says nothing, and entries between the first and the last.
const ENOUGH: (usize, u64) = (3, 5_000);
/// The store opens a segment now and then.
const SLACK: usize = 4;
/// Until everything of those who have left is closed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of a vault that nobody uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) entries: u64,
    pub(super) resident_kib: u64,
    /// Open files and sockets beyond those at the start of the life.
    pub(super) descriptors: usize,
}

fn descriptors(process: u32) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{process}/fd"))?.count())
}

/// The number at which they stay for a while.
pub(super) async fn descriptors_at_rest(process: u32) -> Result<usize> {
    let mut seen = descriptors(process)?;
    let mut same = 0;
    while same < 5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = descriptors(process)?;
        same = if now == seen { same + 1 } else { 0 };
        seen = now;
    }
    Ok(seen)
}

/// Once whoever has left is forgotten.
pub(super) async fn sample(process: u32, base: usize, entries: u64) -> Result<Sample> {
    let begun = Instant::now();
    loop {
        let open = descriptors(process)?;
        if open <= base + SLACK {
            return Ok(Sample {
                entries,
                resident_kib: usage::resident(process)?,
                descriptors: open.saturating_sub(base),
            });
        }
        if begun.elapsed() > PATIENCE {
            bail!("{open} descriptors are open, {base} were at the start");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The slope of the line through the samples; `None` of too few.
pub(super) fn bytes_per_entry(samples: &[Sample]) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < ENOUGH.0 || last.entries.saturating_sub(first.entries) < ENOUGH.1 {
        return None;
    }
    let count = samples.len() as f64;
    let points = samples
        .iter()
        .map(|sample| (sample.entries as f64, sample.resident_kib as f64 * 1024.0));
    let sums = points
        .clone()
        .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x, y) = (sums.0 / count, sums.1 / count);
    let (mut above, mut below) = (0.0, 0.0);
    for point in points {
        above += (point.0 - x) * (point.1 - y);
        below += (point.0 - x) * (point.0 - x);
    }
    Some(above / below)
}

pub(super) fn verdict(samples: &[Sample]) -> Result<()> {
    ensure!(!samples.is_empty(), "no life ended quietly");
    if let Some(bytes) = bytes_per_entry(samples) {
        ensure!(
            bytes <= MOST_PER_ENTRY,
            "{bytes:.0} bytes of memory for each entry of the log"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(per_entry: u64) -> Vec<Sample> {
        let sample = |entries: u64| Sample {
            entries,
            resident_kib: 50_000 + entries * per_entry / 1024,
            descriptors: 0,
        };
        [1_000, 5_000, 9_000].map(sample).to_vec()
    }

    #[test]
    fn what_grows_with_the_log_is_fine_and_what_grows_faster_is_not() {
        assert!(verdict(&samples(1_024)).is_ok());
        assert!((bytes_per_entry(&samples(2_048)).unwrap() - 2_048.0).abs() < 1.0);
        assert!(verdict(&samples(16_384)).is_err());
        assert!(verdict(&[]).is_err());
        assert_eq!(bytes_per_entry(&samples(1)[..2]), None);
    }
}
