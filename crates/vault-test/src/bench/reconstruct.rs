//! A secret from two of four vaults, against one round trip to the slower of the two.

use super::{Plan, calls, report};
use crate::constellation::{Options, TestConstellation};
use anyhow::{Context, Result, ensure};
use std::time::Instant;
use vault_client::secret::{OwnerKey, Secrets, Wait};
use vault_client::{Constellation, KeyName};
use vault_policy::KeyType;

const SECRET: &[u8] = b"a secret of a few dozen bytes, as most are";

pub(super) async fn measure(plan: Plan, server: &str, results: &mut report::Results) -> Result<()> {
    let mut options = Options::new(4);
    options.program = vec![server.to_owned()];
    let running = TestConstellation::start_with(options).await?;
    let source = running.issuer().token_source("owner").context("no owner")?;
    let config = running.config("owner")?.tokens(source);
    let client = Constellation::open(config).await?;
    let records = Secrets::new(running.dir().join("records"), OwnerKey::generate()?);
    let secrets = client.secrets(records);
    let policy = calls::policy(running.issuer(), KeyType::RawShare)?;
    let vaults = client.vault_ids();
    secrets.split(&vaults, "bench", SECRET, 2, policy).await?;
    let members = secrets.records().record("bench")?.members;
    for _ in 0..plan.rounds {
        let mut whole = Vec::new();
        let mut trips = vec![Vec::new(); members.len()];
        // Apart from each other: a reconstruction leaves its slower vaults behind, and the next call
        // of each would have to ask for a consistency proof besides.
        for (member, trips) in members.iter().zip(&mut trips) {
            let vault = client.client(&member.vault_id).await?;
            for _ in 0..plan.secrets {
                let begun = Instant::now();
                vault.reconstruct(KeyName::from(member.handle)).await?;
                trips.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        }
        for _ in 0..plan.secrets {
            let begun = Instant::now();
            let found = secrets.reconstruct("bench", Wait::Enough).await?;
            whole.push(begun.elapsed().as_secs_f64() * 1e3);
            ensure!(*found.secret == SECRET, "another secret");
        }
        let mut trips: Vec<f64> = trips.into_iter().map(report::median).collect();
        trips.sort_by(f64::total_cmp);
        // The fastest two are enough: the slower of them is the second.
        let slower = trips.get(1).copied().context("fewer than two vaults")?;
        results.reconstruct(report::median(whole), slower);
    }
    Ok(())
}
