//! `constellation reconfigure`: over a connection that pins vault, machine and build, but not the
//! trust root, which is what changes.

use super::constellation_keys::signing_keys;
use super::constellation_manifest::{member, place};
use crate::cli::ConstellationReconfigure;
use crate::config::{Config, invalid};
use crate::context::{Context, usage};
use crate::files;
use crate::output::{self, Human, Output};
use ratls::config_tree::{ConfigTree, Part};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use vault_client::registry::RegistryClient;
use vault_client::{
    Client, ClientConfig, Error, ErrorCode, HeadStore, ReconfigureOffer, Reconfigured, Result,
    ServedConfig, VaultPins, load_manifest,
};
use vault_encoding::{Canonical, Hash, Limits};
use vault_governance::Member;

pub(crate) async fn run(context: &Context, args: ConstellationReconfigure) -> Result<Output> {
    let config = context.config()?;
    let member = meant(context, &config)?;
    let client = connect(context, &config, &member, args.endpoint.as_deref()).await?;
    let info = client.info().await?;
    let offer = client.begin_reconfigure().await?;
    let served = client.config().await?;
    let peer = client.peer().await?;
    let to = target(&args, &offer)?;
    let before = match &args.before {
        Some(path) => Some(known(path, offer.sealed_trust_root)?),
        None => None,
    };
    let after = (to == offer.present_trust_root).then(|| trust(&served));
    let changes = after.map_or_else(Vec::new, |after| differences(before.as_ref(), &after));
    context.note(&described(&changes, &offer, to));
    let mut json = json!({
        "vault_id": offer.vault_id.to_string(),
        "constellation": offer.constellation.to_string(),
        "old_trust_root": offer.sealed_trust_root.to_string(),
        "new_trust_root": to.to_string(),
        "changes": changes.iter().map(Change::to_json).collect::<Vec<_>>(),
        "dry_run": args.dry_run,
        "index": null,
        "locked": info.locked,
        "vaults": [output::vault(&peer, None)],
    });
    let mut fields = vec![
        ("vault", offer.vault_id.to_string()),
        ("sealed", offer.sealed_trust_root.to_string()),
        ("new", to.to_string()),
    ];
    if !args.dry_run {
        let done = hand_in(&client, &offer, to, &args).await?;
        let locked = reason_now(context, &config, &member, &args).await?;
        fields.push(("log", format!("entry {}", done.index)));
        fields.push(("locked", locked.clone().unwrap_or_else(|| "no".to_owned())));
        if let Some(object) = json.as_object_mut() {
            object.insert("index".into(), json!(done.index));
            let entry = output::vault(&peer, Some(&done.receipt));
            object.insert("vaults".into(), json!([entry]));
            object.insert("locked".into(), json!(locked));
        }
    }
    Ok(Output::new(json, Human::Fields(fields)))
}

/// The member that `--vault` names, of a manifest that is believed.
fn meant(context: &Context, config: &Config) -> Result<Member> {
    let (path, anchor) = place(context)?;
    let heads = HeadStore::new(config.state_dir()?);
    let manifest = load_manifest(&path, &anchor, &heads)?;
    match context.global.vault.as_slice() {
        [id] => member(&manifest, id).cloned(),
        _ => Err(usage("say which vault with one --vault ID")),
    }
}

/// The first endpoint at which this very vault answers.
async fn connect(
    context: &Context,
    config: &Config,
    member: &Member,
    named: Option<&str>,
) -> Result<Client> {
    let pins = VaultPins {
        vault_id: member.vault_id,
        platform_id: Some(member.platform_id),
        measurement: Some(member.measurement),
        trust_root: None,
    };
    let heads = HeadStore::new(config.state_dir()?);
    let trust = context.trust(config)?;
    let mut last = None;
    for endpoint in endpoints(context, config, member, named).await {
        let wanted = ClientConfig::new(endpoint, pins.clone(), trust.clone(), heads.clone())
            .timeout(context.timeout());
        match Client::connect(wanted).await {
            Ok(client) => {
                if client.peer().await?.evidence.claims().simulated {
                    context.note_simulated();
                }
                return Ok(client);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| {
        invalid("nothing says where the vault is: give --endpoint").vault(member.vault_id)
    }))
}

async fn endpoints(
    context: &Context,
    config: &Config,
    member: &Member,
    named: Option<&str>,
) -> Vec<String> {
    if let Some(endpoint) = named {
        return vec![endpoint.to_owned()];
    }
    let id = member.vault_id.to_string();
    let listed = config.vaults.iter().filter(|entry| entry.vault_id == id);
    let mut endpoints: Vec<String> = listed.map(|entry| entry.endpoint.clone()).collect();
    let registries = context.registries(config);
    if !registries.is_empty() {
        let listing = RegistryClient::new(registries, context.timeout())
            .list()
            .await;
        endpoints.extend(listing.endpoints(&member.vault_id).map(str::to_owned));
    }
    endpoints
}

fn target(args: &ConstellationReconfigure, offer: &ReconfigureOffer) -> Result<Hash> {
    let to = match &args.to {
        Some(hex) => Hash::from_hex(hex).ok_or_else(|| usage("--to is not a trust root"))?,
        None => offer.present_trust_root,
    };
    if to == offer.sealed_trust_root {
        return Err(usage(
            "the vault has this trust root sealed already; for its next start, name the new one \
             with --to",
        ));
    }
    Ok(to)
}

async fn hand_in(
    client: &Client,
    offer: &ReconfigureOffer,
    to: Hash,
    args: &ConstellationReconfigure,
) -> Result<Reconfigured> {
    let statement = offer.statement(to);
    let keys = signing_keys(&args.governance_key)?;
    let signatures: Vec<_> = keys
        .iter()
        .map(|key| key.sign_reconfiguration(&statement))
        .collect();
    let done = client.reconfigure(&statement, &signatures).await?;
    if done.trust_root != to {
        return Err(Error::new(ErrorCode::Internal)
            .vault(offer.vault_id)
            .detail("the vault says that it sealed another trust root"));
    }
    Ok(done)
}

/// Why the vault is locked now, on a new connection.
async fn reason_now(
    context: &Context,
    config: &Config,
    member: &Member,
    args: &ConstellationReconfigure,
) -> Result<Option<String>> {
    let client = connect(context, config, member, args.endpoint.as_deref()).await?;
    Ok(client.info().await?.locked)
}

/// One entry of the trust configuration that differs, as far as both are known.
struct Change {
    path: String,
    old: Option<String>,
    new: Option<String>,
}

impl Change {
    fn to_json(&self) -> Value {
        json!({ "path": self.path, "old": self.old, "new": self.new })
    }
}

type Entries = BTreeMap<String, String>;

fn trust(served: &ServedConfig) -> Entries {
    served.trust.iter().cloned().collect()
}

/// The trust entries of an earlier `vault inspect`, which must be those of the sealed root.
fn known(path: &Path, sealed: Hash) -> Result<Entries> {
    let wrong = |what: &str| usage(format_args!("{}: {what}", path.display()));
    let document: Value =
        serde_json::from_slice(&files::read(path)?).map_err(|_| wrong("not JSON"))?;
    let trust = document
        .pointer("/config/trust")
        .and_then(Value::as_object)
        .ok_or_else(|| wrong("not what `vault inspect --verify-config --output json` says"))?;
    let mut entries = Entries::new();
    let mut leaves = Vec::new();
    for (name, value) in trust {
        let text = value.as_str().ok_or_else(|| wrong("a value is no text"))?;
        let value = Canonical::from_bytes(text.as_bytes(), LIMITS)
            .map_err(|_| wrong("a value is not canonical"))?;
        leaves.push((name.clone(), value));
        entries.insert(name.clone(), text.to_owned());
    }
    match ConfigTree::new(Part::Trust, leaves) {
        Ok(tree) if tree.root() == sealed => Ok(entries),
        _ => Err(wrong("not the configuration that the vault has sealed")),
    }
}

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    depth: 32,
    nodes: 100_000,
};

fn differences(old: Option<&Entries>, after: &Entries) -> Vec<Change> {
    let empty = Entries::new();
    let before = old.unwrap_or(&empty);
    let paths: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| Change {
            path: path.clone(),
            old: before.get(path).cloned(),
            new: after.get(path).cloned(),
        })
        .collect()
}

fn described(changes: &[Change], offer: &ReconfigureOffer, to: Hash) -> String {
    let mut text = format!("trust root {} -> {to}", offer.sealed_trust_root);
    for Change { path, old, new } in changes {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".to_owned());
        text.push_str(&format!("\n  {path}: {} -> {}", side(old), side(new)));
    }
    text
}
