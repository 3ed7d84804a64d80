//! Attested connects, one after the other: TLS, preamble, quote, two appraisals.

use super::{Plan, report, usage, wire};
use crate::process::VaultProcess;
use anyhow::Result;
use std::time::Duration;

/// A vault makes 50 quotes a second, after 32 at once.
const PAUSE: Duration = Duration::from_millis(20);

/// CPU of both sides for one connect.
pub(super) async fn measure(
    plan: Plan,
    vault: &VaultProcess,
    process: u32,
    results: &mut report::Results,
) -> Result<()> {
    let own = std::process::id();
    let (server, client) = (usage::cpu(process)?, usage::cpu(own)?);
    for _ in 0..plan.connects {
        drop(wire::attest(vault).await?);
        tokio::time::sleep(PAUSE).await;
    }
    let each = |used: Duration| used.as_secs_f64() * 1e3 / plan.connects as f64;
    results.connect(
        each(usage::cpu(process)?.saturating_sub(server)),
        each(usage::cpu(own)?.saturating_sub(client)),
    );
    Ok(())
}
