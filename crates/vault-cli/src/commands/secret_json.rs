//! What the commands of split secrets have in common: the vaults, the owner key, and the members
//! of their results.

use crate::config::{Config, invalid};
use crate::context::Context;
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::output;
use serde_json::{Map, Value, json};
use vault_client::constellation::{Outcome, Outcomes, SplitSecrets};
use vault_client::secret::{Collected, OwnerKey, OwnerKeyFile, Secrets, SetRecord, Share};
use vault_client::{Error, ErrorCode, Result};
use vault_policy::VaultId;

/// The vaults of the constellation, which alone hold shares.
pub(super) fn on_constellation(
    fleet: &Fleet<'_>,
    config: &Config,
    owner: OwnerKey,
) -> Result<SplitSecrets> {
    let constellation = fleet.constellation().ok_or_else(|| {
        invalid("shares are kept by a constellation: set manifest and [constellation]")
    })?;
    Ok(constellation.secrets(Secrets::new(config.secrets()?, owner)))
}

/// The owner key that must be there.
pub(super) fn owner(config: &Config) -> Result<OwnerKey> {
    let file = OwnerKeyFile::new(config.owner_key()?);
    file.load()?.ok_or_else(|| {
        Error::new(ErrorCode::NotFound)
            .summary("there is no owner key")
            .detail(file.path().display())
            .next("evault owner import owner.key.copy.json")
    })
}

/// Vaults from which no share came, for whatever reason.
pub(super) fn missing(collected: &Collected) -> Vec<VaultId> {
    let is = |share: &Share| matches!(share, Share::Missing(_) | Share::Unasked);
    let missing = collected.shares.iter().filter(|(_, share)| is(share));
    missing.map(|(vault, _)| *vault).collect()
}

/// Ids as JSON.
pub(super) fn ids<'a>(vaults: impl IntoIterator<Item = &'a VaultId>) -> Value {
    vaults.into_iter().map(ToString::to_string).collect()
}

/// The members `used,wrong,missing`.
pub(super) fn judged(collected: &Collected) -> [(&'static str, Value); 3] {
    [
        ("used", ids(&collected.used())),
        ("wrong", ids(&collected.wrong())),
        ("missing", ids(&missing(collected))),
    ]
}

/// The members `name,set_id,generation,threshold,shares`.
pub(super) fn described(record: &SetRecord) -> Map<String, Value> {
    let members = [
        ("name", json!(record.name)),
        ("set_id", json!(record.set_id.to_string())),
        ("generation", json!(record.generation)),
        ("threshold", json!(record.threshold)),
        ("shares", json!(record.shares)),
    ];
    let members = members.into_iter();
    members
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The entries of `vaults`, with the receipt of what each confirmed last.
pub(super) fn entries<'a, T: 'a>(
    split: &SplitSecrets,
    outcomes: impl IntoIterator<Item = &'a Outcome<T>>,
) -> Value {
    let receipts = split.receipts();
    let entry = |outcome: &Outcome<T>| match (&outcome.result, receipts.get(&outcome.vault_id)) {
        (Ok(_), Some(done)) => output::vault(&done.peer, Some(&done.receipt)),
        (Ok(_), None) => json!({
            "vault_id": outcome.vault_id.to_string(),
            "ok": true,
            "simulated": null,
            "receipt": null,
            "error": null,
        }),
        (Err(error), _) => output::failed_vault(outcome.vault_id, error),
    };
    outcomes.into_iter().map(entry).collect()
}

/// How it ends where the goal was met: partial unless everything is `clean`, and with 6 where there is
/// evidence against a vault.
pub(super) fn exit<T>(context: &Context, outcomes: &Outcomes<T>, clean: bool) -> Exit {
    match clean && outcomes.evidence().is_none() {
        true => Exit::Done,
        false => output::partial(outcomes, context.global.allow_partial),
    }
}

/// Says on stderr which vaults failed although the goal was met.
pub(super) fn note_failures<T>(context: &Context, outcomes: &Outcomes<T>) {
    for (vault, error) in outcomes.failed() {
        context.note_failure(&vault, error);
    }
}

/// Says so where a simulated vault had a part in it, or a wrong place was named for one.
pub(super) fn say_of_vaults(context: &Context, split: &SplitSecrets) {
    let receipts = split.receipts();
    let mut peers = receipts.values().map(|done| &done.peer);
    if peers.any(|peer| peer.evidence.claims().simulated) {
        context.note_simulated();
    }
    let vaults: Vec<_> = receipts.keys().copied().collect();
    context.note_refused(split.constellation(), &vaults);
}
