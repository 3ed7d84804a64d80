//! Each vault: attested, and what it makes of the caller.

use super::check::{Checks, Found};
use crate::commands::memory::{self, Remembered};
use crate::commands::vault_list::{look, short, why};
use crate::context::Connected;
use crate::fleet::Fleet;
use vault_client::{Error, ErrorCode, Result, VaultInfo};

pub(super) async fn check(fleet: &Fleet<'_>, checks: &mut Checks) {
    // Before anything is asked: looking at a vault is remembered too.
    for vault in fleet.selected() {
        let remembered = memory::check(fleet.heads(), vault);
        checks.add(
            format!("memory of {}", short(vault)),
            remembered_as(remembered),
        );
    }
    let looked = fleet
        .each(fleet.selected(), async |connected: Connected| {
            let (connected, info) = look(connected).await?;
            Ok((attested(&connected, info), accepted(&connected).await))
        })
        .await;
    // What the others have carried about a vault may have come after its own answer: it is asked
    // again, and held against all of it.
    let again = fleet
        .each(fleet.selected(), async |connected: Connected| {
            accepted(&connected).await
        })
        .await;
    for (first, second) in looked.into_iter().zip(again) {
        let vault = short(&first.vault_id);
        match first.result {
            Ok((attested, accepted)) => {
                checks.add(format!("vault {vault}"), attested);
                let accepted = accepted.and(second.result);
                checks.add(format!("caller at {vault}"), accepted);
            }
            Err(error) => checks.add(format!("vault {vault}"), Err(error)),
        }
    }
    for refused in fleet
        .constellation()
        .map(|all| all.refused())
        .unwrap_or_default()
    {
        if fleet.endpoint(&refused.hint.vault_id).await.is_some() {
            let name = format!("endpoint {}", refused.hint.endpoint);
            let found = Found::warning(refused.error.message(), "evault vault list");
            checks.add(name, found);
        }
    }
}

fn remembered_as(remembered: Result<Remembered>) -> Found {
    match remembered {
        Ok(Remembered::Since(text)) => Found::Well(text),
        Ok(Remembered::Nothing(text)) => Found::warning(text, "evault doctor"),
        Err(error) => Found::Failed(error),
    }
}

fn attested(connected: &Connected, info: VaultInfo) -> Result<String> {
    if let Some(told) = info.locked {
        let (why, next) = why(&told);
        let locked = Error::new(ErrorCode::Locked).detail(why);
        return Err(match next {
            Some(next) => locked.next(next),
            None => locked,
        });
    }
    let simulated = connected.peer.evidence.claims().simulated;
    let kind = if simulated { "SIMULATED" } else { "hardware" };
    let size = info.head.map_or(0, |head| head.size);
    let boot = vault_encoding::text::hex(&info.boot_id);
    Ok(format!(
        "attested, {kind}, log of {size} entries, start {boot}"
    ))
}

async fn accepted(connected: &Connected) -> Result<String> {
    let me = connected.client.whoami().await?.value;
    Ok(format!(
        "{} with roles: {}",
        me.subject,
        me.roles.join(", ")
    ))
}
