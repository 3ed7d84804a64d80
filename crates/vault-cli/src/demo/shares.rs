//! `__shares`: what a thief with the run of vaults would carry away, and a vault that keeps other
//! bytes than it was given.

use crate::cli::{SharesChildArgs, SharesCommand};
use crate::context::Context;
use crate::dev::failed;
use crate::files;
use crate::output::{Human, Output};
use serde_json::{Value, json};
use std::path::Path;
use vault_client::constellation::Holder;
use vault_client::secret::{OwnerKeyFile, Secrets, ShareHolder};
use vault_client::{Constellation, Result};
use vault_policy::{KeyHandle, TemplateArgs, VaultId, template};
use vault_policy::{KeyType, OidcSubject};
use zeroize::Zeroizing;

pub(crate) async fn shares_child(context: &Context, args: SharesChildArgs) -> Result<Output> {
    let config = context.config()?;
    let fleet = context.fleet(&config).await?;
    let constellation = fleet.constellation().ok_or_else(|| failed("no manifest"))?;
    let owner = OwnerKeyFile::new(config.owner_key()?).load()?;
    let secrets = Secrets::new(
        config.secrets()?,
        owner.ok_or_else(|| failed("no owner key"))?,
    );
    match args.command {
        SharesCommand::Fetch { name, out } => fetch(constellation, &secrets, &name, &out).await,
        SharesCommand::Ask { handle, of } => {
            let handle: KeyHandle = handle.parse().map_err(failed)?;
            let client = constellation.client(&fleet.find(&of)?).await?;
            let share = client.reconstruct(handle.into()).await?.value;
            Ok(Output::new(json!({ "bytes": share.len() }), Human::Silent))
        }
        SharesCommand::SplitBroken {
            name,
            input,
            threshold,
            broken,
        } => {
            let broken = fleet.find(&broken)?;
            let secret = Zeroizing::new(files::read(&input)?);
            let policy = owners_policy(constellation).await?;
            let holders = constellation.holders().into_iter();
            let holders: Vec<_> = holders
                .map(|holder| Broken {
                    is_broken: holder.vault_id() == broken,
                    holder,
                })
                .collect();
            let done = secrets
                .split(&holders, &name, &secret, threshold, policy)
                .await
                .map_err(|failed| failed.error)?;
            let json = json!({ "name": done.record.name, "shares": done.record.members.len() });
            Ok(Output::new(json, Human::Silent))
        }
    }
}

/// Every share of a secret as the vaults hold it, into `OUT.1`, `OUT.2` and so on.
async fn fetch(
    constellation: &Constellation,
    secrets: &Secrets,
    name: &str,
    out: &Path,
) -> Result<Output> {
    let mut fetched = Vec::new();
    for (at, place) in (1..).zip(&secrets.record(name)?.members) {
        let client = constellation.client(&place.vault_id).await?;
        let share = client.reconstruct(place.handle.into()).await?.value;
        let file = out.with_extension(format!("{at}"));
        files::write(&file, &share)?;
        fetched.push(json!({
            "vault_id": place.vault_id.to_string(),
            "handle": place.handle.to_string(),
            "file": file,
        }));
    }
    Ok(Output::new(json!({ "shares": fetched }), Human::Silent))
}

/// The policy of `template:owner`, for whoever calls.
async fn owners_policy(constellation: &Constellation) -> Result<Vec<u8>> {
    let vault = constellation.vault_ids();
    let vault = vault.first().ok_or_else(|| failed("no vault"))?;
    let me = constellation.client(vault).await?.whoami().await?.value;
    let owner = OidcSubject {
        issuer: me.issuer,
        subject: me.subject,
    };
    let args = TemplateArgs::new(owner, KeyType::RawShare);
    let policy = template("owner", &args).map_err(failed)?;
    Ok(policy.canonical_bytes().to_vec())
}

/// A vault before which something turns over one bit of every share on its way in. The vault
/// itself keeps faithfully what reaches it.
struct Broken {
    holder: Holder,
    is_broken: bool,
}

impl ShareHolder for Broken {
    fn vault_id(&self) -> VaultId {
        self.holder.vault_id()
    }

    async fn put(
        &self,
        handle: KeyHandle,
        policy: Vec<u8>,
        mut share: Zeroizing<Vec<u8>>,
    ) -> Result<()> {
        if let Some(byte) = share.get_mut(1).filter(|_| self.is_broken) {
            *byte ^= 1;
        }
        self.holder.put(handle, policy, share).await
    }

    async fn get(&self, handle: KeyHandle) -> Result<Zeroizing<Vec<u8>>> {
        self.holder.get(handle).await
    }

    async fn list(&self) -> Result<Vec<KeyHandle>> {
        self.holder.list().await
    }

    async fn destroy(&self, handle: KeyHandle) -> Result<()> {
        self.holder.destroy(handle).await
    }
}

/// A member of the answer of `fetch`, for every share.
pub(super) fn of_each(fetched: &Value, member: &str) -> Vec<String> {
    let shares = fetched.get("shares").and_then(Value::as_array);
    let texts = shares.into_iter().flatten().filter_map(|share| {
        let text = share.get(member)?.as_str()?;
        Some(text.to_owned())
    });
    texts.collect()
}
