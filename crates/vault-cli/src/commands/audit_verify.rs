//! `audit verify`: online against the vault, or offline over an export.

use super::audit_entry;
use super::audit_offline::{self, Offline};
use crate::cli::AuditVerify;
use crate::context::Context;
use crate::files;
use crate::inputs;
use crate::output::{self, Human, Output};
use serde_json::{Value, json};
use std::path::Path;
use vault_audit::{Checkpoint, LogKey};
use vault_client::{Blame, Error, ErrorCode, HeadStore, Heads, LogReader, Result, SeenHead};
use vault_encoding::Hash;
use vault_policy::VaultId;

pub(crate) async fn run(context: &Context, args: AuditVerify) -> Result<Output> {
    let named = [
        ("--file", &args.file),
        ("--identity", &args.identity),
        ("--since", &args.since),
    ];
    let given = named.into_iter();
    inputs::distinct(given.filter_map(|(flag, path)| Some((flag, path.as_deref()?))))?;
    match (&args.evidence, &args.file, &args.identity) {
        (Some(evidence), _, _) => super::audit_evidence::run(context, evidence),
        (None, Some(file), Some(identity)) => offline(context, &args, file, identity),
        (None, _, _) => online(context, &args).await,
    }
}

/// Reads the whole log, recomputes its root, and holds it to the attested identity key.
async fn online(context: &Context, args: &AuditVerify) -> Result<Output> {
    let connected = context.connect().await?;
    let key = LogKey::from_spki(&connected.peer.claims.identity_key).map_err(is_false)?;
    let since = Since::read(context, args, &key)?;
    let mut reader = LogReader::new(connected.client);
    let head = reader.advance().await?;
    if let Some(since) = &since {
        since.is_not_longer_than(&head)?;
        read_to(&mut reader, since.seen.size).await?;
        let root = reader.position().map(|position| position.frontier.root());
        since.has_root(root, &head)?;
    }
    read_to(&mut reader, head.size).await?;
    let mut output = verdict(&key, args, &head);
    if let Some(object) = output.json.as_object_mut() {
        let vault = output::vault(&connected.peer, None);
        object.insert("vaults".into(), json!([vault]));
    }
    Ok(output)
}

async fn read_to(reader: &mut LogReader, end: u64) -> Result<()> {
    while let Some(page) = reader.next(end).await? {
        audit_entry::parse(&page)?;
    }
    Ok(())
}

fn offline(context: &Context, args: &AuditVerify, file: &Path, identity: &Path) -> Result<Output> {
    let key = audit_offline::key(identity)?;
    check_vault(context, &key)?;
    let since = Since::read(context, args, &key)?;
    let Offline { head, tree } = audit_offline::verify(file, &key)?;
    if let Some(since) = &since {
        if since.seen.size > head.size {
            return Err(since.is_behind(head));
        }
        since.has_root(tree.root_at(since.seen.size), &head)?;
    }
    Ok(verdict(&key, args, &head))
}

/// With `--vault`, the key must be that vault's.
pub(super) fn check_vault(context: &Context, key: &LogKey) -> Result<()> {
    let id = key.vault_id().to_string();
    let mut wanted = context.global.vault.iter();
    match wanted.find(|wanted| !id.starts_with(wanted.as_str())) {
        Some(wanted) => Err(is_false(format_args!(
            "the key is that of vault {id}, not {wanted}"
        ))),
        None => Ok(()),
    }
}

fn verdict(key: &LogKey, args: &AuditVerify, head: &SeenHead) -> Output {
    let vault = key.vault_id().to_string();
    let since = args.since.as_ref();
    let json = json!({
        "vault_id": vault,
        "size": head.size,
        "root": head.root.to_string(),
        "checkpoint": String::from_utf8_lossy(&head.checkpoint),
        "since": since.map_or(Value::Null, |path| json!(path)),
        "consistent": true,
    });
    let verdict = match since {
        None => "the log holds: every entry, every root, every signature",
        Some(_) => {
            "the log holds: every entry, every root, every signature; it extends the checkpoint"
        }
    };
    let human = Human::Fields(vec![
        ("vault", vault),
        ("entries", head.size.to_string()),
        ("root", head.root.to_string()),
        ("verdict", verdict.to_owned()),
    ]);
    Output::new(json, human)
}

/// An earlier checkpoint that somebody kept. What contradicts it is kept beside what is remembered.
struct Since {
    seen: SeenHead,
    key: LogKey,
    heads: HeadStore,
}

impl Since {
    fn read(context: &Context, args: &AuditVerify, key: &LogKey) -> Result<Option<Self>> {
        let Some(path) = &args.since else {
            return Ok(None);
        };
        let note = files::read(path)?;
        let named = |error| is_false(format_args!("{}: {error}", path.display()));
        let Checkpoint { size, root, .. } = Checkpoint::verify(&note, key).map_err(named)?;
        let configured = context.config().and_then(|config| config.state_dir());
        let heads = configured.unwrap_or_else(|_| "evault-evidence".into());
        Ok(Some(Self {
            seen: SeenHead {
                size,
                root,
                checkpoint: note,
            },
            key: *key,
            heads: HeadStore::new(heads),
        }))
    }

    fn is_not_longer_than(&self, head: &SeenHead) -> Result<()> {
        match self.seen.size > head.size {
            true => Err(self.contradicts(ErrorCode::RollbackDetected, head)),
            false => Ok(()),
        }
    }

    /// Of a file nobody can tell whether its head was signed before the checkpoint: it is not kept
    /// as evidence against the vault.
    fn is_behind(&self, answered: SeenHead) -> Error {
        let seen = self.seen.clone();
        let detail = "or the export is older than the checkpoint, which is no evidence";
        Error::new(ErrorCode::RollbackDetected)
            .vault(VaultId(self.key.vault_id()))
            .detail(detail)
            .blame(Blame::Caller)
            .next("evault audit export --out NEW")
            .heads(Heads {
                seen,
                answered,
                evidence: None,
            })
    }

    /// Holds the root over as many entries as the checkpoint covers to that of the checkpoint.
    fn has_root(&self, root: Option<Hash>, head: &SeenHead) -> Result<()> {
        match root == Some(self.seen.root) {
            true => Ok(()),
            false => Err(self.contradicts(ErrorCode::ForkDetected, head)),
        }
    }

    fn contradicts(&self, code: ErrorCode, head: &SeenHead) -> Error {
        let key = self.key;
        self.heads
            .refuted(code, key, self.seen.clone(), head.clone())
    }
}

pub(crate) fn is_false(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::VerificationFailed).detail(why)
}
