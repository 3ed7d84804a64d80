//! `constellation init`, `show`, `update` and `sign`: the manifest, written and read.

use super::constellation_file::{Draft, read};
use super::constellation_keys::signing_keys;
use super::constellation_members::{members, stem};
use crate::cli::{ConstellationInit, ConstellationSign, ConstellationUpdate};
use crate::config::{Config, invalid};
use crate::context::{Context, usage};
use crate::output::{Human, Output};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use vault_client::{Error, ErrorCode, HeadStore, Result, load_manifest};
use vault_governance::{
    Anchor, GovernanceKey, Manifest, ManifestChain, Member, Quorum, SignedManifest, SigningKey,
    verify_chain,
};
use vault_policy::VaultId;

pub(crate) fn init(context: &Context, args: ConstellationInit) -> Result<Output> {
    let (members, id) = members(&args.member, &args.operator, args.id, |path, _| stem(path))?;
    let id = id.ok_or_else(|| usage("no constellation"))?;
    let signers = signing_keys(&args.governance_key)?;
    let mut keys: Vec<GovernanceKey> = signers.iter().map(SigningKey::public).collect();
    keys.extend(&args.governance);
    let governance = quorum(keys, args.threshold)?;
    let manifest = Manifest::new(id, 1, members, governance).map_err(usage)?;
    let anchor = Anchor::of(&manifest);
    let signatures = signers.iter().map(|key| key.sign_manifest(&manifest));
    let chain = ManifestChain::first(SignedManifest {
        signatures: signatures.collect(),
        manifest,
    });
    let state = judge(&chain, &anchor)?;
    let draft = Draft::new(&args.out)?;
    // Whoever makes the first manifest may have no configuration yet.
    let config = match context.global.config {
        Some(_) => context.config()?,
        None => context.config().unwrap_or_default(),
    };
    memory(&config)?.sign_manifest(&args.out, &anchor, &chain)?;
    draft.publish(&chain)?;
    if !context.global.quiet {
        context.note(&format!(
            "for the configuration of every client:\n{}",
            client_section(&anchor)
        ));
    }
    report(context, &chain, &args.out, state)
}

pub(crate) fn show(context: &Context) -> Result<Output> {
    let (path, anchor) = place(context)?;
    load_manifest(&path, &anchor, &memory(&context.config()?)?)?;
    report(context, &read(&path)?, &path, State::Believed)
}

pub(crate) fn update(context: &Context, args: ConstellationUpdate) -> Result<Output> {
    let (path, anchor) = place(context)?;
    let heads = memory(&context.config()?)?;
    let present = load_manifest(&path, &anchor, &heads)?;
    let mut chain = read(&path)?;
    let next = next(&present, &args)?;
    let signers = signing_keys(&args.governance_key)?;
    let signatures = signers.iter().map(|key| key.sign_manifest(&next));
    chain.push(SignedManifest {
        signatures: signatures.collect(),
        manifest: next,
    });
    let state = judge(&chain, &anchor)?;
    let out = args.out.unwrap_or_else(|| path.clone());
    let draft = Draft::over(&out)?;
    heads.sign_manifest(&path, &anchor, &chain)?;
    draft.publish(&chain)?;
    report(context, &chain, &out, state)
}

pub(crate) fn sign(context: &Context, args: ConstellationSign) -> Result<Output> {
    let (path, anchor) = place(context)?;
    let chain = read(&path)?;
    let signers = signing_keys(&args.governance_key)?;
    let (newest, before) = chain
        .versions()
        .split_last()
        .ok_or_else(|| invalid("the manifest has no version"))?;
    let mut newest = newest.clone();
    for key in &signers {
        newest
            .signatures
            .retain(|signed| signed.key != key.public());
        newest.signatures.push(key.sign_manifest(&newest.manifest));
    }
    let mut versions = before.iter().cloned().chain([newest]);
    let first = versions
        .next()
        .ok_or_else(|| invalid("the manifest has no version"))?;
    let mut signed = ManifestChain::first(first);
    versions.for_each(|version| signed.push(version));
    let state = judge(&signed, &anchor)?;
    let out = args.out.unwrap_or_else(|| path.clone());
    let draft = Draft::over(&out)?;
    memory(&context.config()?)?.sign_manifest(&path, &anchor, &signed)?;
    draft.publish(&signed)?;
    report(context, &signed, &out, state)
}

/// Whether enough have signed.
enum State {
    Believed,
    /// Others must sign; nobody believes it before.
    Short {
        need: u8,
        have: u8,
    },
}

/// A chain that only lacks signatures may be written; any other refusal ends it.
fn judge(chain: &ManifestChain, anchor: &Anchor) -> Result<State> {
    use vault_governance::GovernanceError;
    match verify_chain(chain, anchor) {
        Ok(_) => Ok(State::Believed),
        Err(GovernanceError::QuorumNotMet { need, have }) => Ok(State::Short { need, have }),
        Err(error) => Err(refused(error)),
    }
}

fn next(present: &Manifest, args: &ConstellationUpdate) -> Result<Manifest> {
    let known = |id: VaultId| present.member(&id).map(|member| member.operator.clone());
    let (added, _) = members(
        &args.member,
        &args.operator,
        Some(present.constellation()),
        |path, member| known(member.vault_id).unwrap_or_else(|| stem(path)),
    )?;
    let removed = removed(present, &args.remove)?;
    let stays = |member: &&Member| {
        !removed.contains(&member.vault_id)
            && !added.iter().any(|new| new.vault_id == member.vault_id)
    };
    let mut members: Vec<Member> = present.members().iter().filter(stays).cloned().collect();
    members.extend(added);
    let held = present.governance();
    let governance = match (args.governance.as_slice(), args.threshold) {
        ([], None) => held.clone(),
        ([], threshold) => quorum(held.keys().to_vec(), threshold)?,
        (keys, threshold) => quorum(keys.to_vec(), threshold)?,
    };
    let version = present.version().checked_add(1);
    let version = version.ok_or_else(|| usage("there is no next version"))?;
    Manifest::new(present.constellation(), version, members, governance).map_err(usage)
}

fn removed(present: &Manifest, ids: &[String]) -> Result<Vec<VaultId>> {
    ids.iter()
        .map(|id| member(present, id).map(|member| member.vault_id))
        .collect()
}

/// The member whose id begins like this.
pub(super) fn member<'a>(manifest: &'a Manifest, id: &str) -> Result<&'a Member> {
    let mut found = manifest
        .members()
        .iter()
        .filter(|member| member.vault_id.to_string().starts_with(id));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(usage(format_args!("the manifest names no vault {id}"))),
        (Some(_), Some(_)) => Err(usage(format_args!("several vaults begin with {id}"))),
    }
}

fn quorum(keys: Vec<GovernanceKey>, threshold: Option<u8>) -> Result<Quorum> {
    let half = u8::try_from(keys.len() / 2).unwrap_or(u8::MAX);
    let threshold = threshold.unwrap_or(half.saturating_add(1));
    Quorum::new(keys, threshold).map_err(usage)
}

/// The manifest that flags or configuration name, and where trust in it starts.
pub(super) fn place(context: &Context) -> Result<(PathBuf, Anchor)> {
    let config = context.config()?;
    let anchor = config.constellation.as_ref().ok_or_else(|| {
        invalid("a manifest is held to [constellation]: id, governance, threshold")
    })?;
    let path = context
        .manifest(&config)
        .ok_or_else(|| invalid("no manifest: set manifest or give --manifest"))?;
    Ok((path.to_owned(), anchor.anchor()?))
}

/// What this client has seen and signed.
fn memory(config: &Config) -> Result<HeadStore> {
    Ok(HeadStore::new(config.state_dir()?))
}

fn report(context: &Context, chain: &ManifestChain, path: &Path, state: State) -> Result<Output> {
    let newest = chain
        .versions()
        .last()
        .ok_or_else(|| invalid("the manifest has no version"))?;
    let manifest = &newest.manifest;
    let signers: Vec<String> = newest
        .signatures
        .iter()
        .map(|s| s.key.to_string())
        .collect();
    if let State::Short { need, have } = state {
        context.note(&format!(
            "{have} of {need} signatures: nobody believes it before the others have signed \
             (`evault constellation sign`)"
        ));
    }
    let believed = matches!(state, State::Believed);
    let json = json!({
        "file": path,
        "constellation": manifest.constellation().to_string(),
        "version": manifest.version(),
        "hash": manifest.hash().to_string(),
        "believed": believed,
        "signers": signers,
        "governance": {
            "keys": manifest.governance().keys().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "threshold": manifest.governance().threshold(),
        },
        "members": manifest.members().iter().map(member_json).collect::<Vec<_>>(),
    });
    Ok(Output::new(json, Human::Text(text(manifest, &signers))))
}

fn member_json(member: &Member) -> Value {
    json!({
        "vault_id": member.vault_id.to_string(),
        "platform_id": member.platform_id.to_string(),
        "measurement": member.measurement.to_string(),
        "trust_root": member.trust_root.to_string(),
        "operator": member.operator,
    })
}

fn text(manifest: &Manifest, signers: &[String]) -> String {
    let governance = manifest.governance();
    let mut text = format!(
        "constellation  {}\nversion        {}\nsigned by      {}\nnext signed by {} of {}\n",
        manifest.constellation(),
        manifest.version(),
        signers.join("\n               "),
        governance.threshold(),
        governance.keys().len(),
    );
    for key in governance.keys() {
        text.push_str(&format!("               {key}\n"));
    }
    for member in manifest.members() {
        text.push_str(&format!(
            "\nvault          {}\n  operator     {}\n  platform     {}\n  measurement  {}\n  \
             trust root   {}\n",
            member.vault_id,
            member.operator,
            member.platform_id,
            member.measurement,
            member.trust_root
        ));
    }
    text
}

/// What a client's configuration says of the constellation.
fn client_section(anchor: &Anchor) -> String {
    let keys: Vec<String> = anchor
        .governance
        .keys()
        .iter()
        .map(ToString::to_string)
        .collect();
    format!(
        "[constellation]\nid = \"{}\"\ngovernance = {keys:?}\nthreshold = {}",
        anchor.constellation,
        anchor.governance.threshold()
    )
}

pub(super) fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::ManifestRefused).detail(why)
}
