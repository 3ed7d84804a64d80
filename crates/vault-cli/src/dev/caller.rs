//! `__caller`: an enclave of a named build, which calls with the profile's token.

use super::failed;
use crate::cli::CallerChildArgs;
use crate::commands::key_sign;
use crate::context::Context;
use crate::output::Output;
use ratls::tls::{CallerIdentity, QuoteUnavailable};
use ratls::{Claims, Evidence, Leaf, LeafKey, Role, Validity};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tee_sim::{SimPlatform, SimRoot, measurement_named};
use vault_client::Result;
use vault_policy::{Measurement, UnixSeconds};
use vault_tee::Platform;

/// The simulated machine of callers: not the vault's.
const CALLER_MACHINE: &str = "caller";

/// What a build of this name measures.
pub(crate) fn caller_measurement(build: &str) -> Measurement {
    Measurement(vault_encoding::Hash(measurement_named(build)))
}

/// Signs as an enclave of the build.
pub(crate) async fn caller_child(context: &Context, args: CallerChildArgs) -> Result<Output> {
    let root = SimRoot::open_or_create(&args.sim).map_err(failed)?;
    let machine = root.machine(CALLER_MACHINE).map_err(failed)?;
    let measurement = measurement_named(&args.build);
    let platform = SimPlatform::builder(&machine, measurement)
        .build()
        .map_err(failed)?;
    let mut context = Context::new(context.global.clone());
    context.caller = Some(Arc::new(identity(Arc::new(platform))?));
    let connected = context.connect().await?;
    key_sign::sign(&connected, &args.sign).await
}

fn identity(platform: Arc<SimPlatform>) -> Result<CallerIdentity> {
    let key = LeafKey::generate().map_err(failed)?;
    let mut boot_id = [0; 16];
    aws_lc_rs::rand::fill(&mut boot_id).map_err(|_| failed("no randomness"))?;
    let claims = Claims {
        role: Role::Caller,
        spki_hash: key.spki_hash(),
        identity_key: Vec::new(),
        trust_root: None,
        operational_root: None,
        boot_id,
        oids: BTreeMap::new(),
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(failed)?;
    let validity = Validity::from_now(UnixSeconds(now.as_secs()));
    let leaf = Leaf::issue(key, claims, validity, |report_data| {
        quote(&platform, report_data)
    })
    .map_err(failed)?;
    let quoter = move |report_data| quote(&platform, report_data);
    Ok(CallerIdentity::new(leaf, Arc::new(quoter)))
}

fn quote(
    platform: &SimPlatform,
    report_data: [u8; 64],
) -> std::result::Result<Evidence, QuoteUnavailable> {
    let evidence = platform.quote(report_data).map_err(|_| QuoteUnavailable)?;
    Ok(Evidence {
        quote: evidence.quote,
        collateral: evidence.collateral,
    })
}
