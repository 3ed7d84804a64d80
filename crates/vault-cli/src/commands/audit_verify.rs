//! `audit verify`: online against the vault, or offline over an export.

use crate::cli::AuditVerify;
use crate::context::{Context, usage};
use crate::files;
use crate::output::{self, Human, Output};
use crate::pem;
use serde_json::{Value, json};
use std::path::Path;
use vault_audit::{Checkpoint, Export, LogKey, verify_export, verify_extension};
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::merkle;

pub(crate) async fn run(context: &Context, args: AuditVerify) -> Result<Output> {
    match (&args.file, &args.evidence) {
        (_, Some(evidence)) => super::audit_evidence::run(context, evidence),
        (Some(file), None) => offline(context, &args, file),
        (None, None) => online(context, &args).await,
    }
}

/// Reads the whole log, recomputes its root, and holds it to the attested identity key.
async fn online(context: &Context, args: &AuditVerify) -> Result<Output> {
    let connected = context.connect().await?;
    let key = LogKey::from_spki(&connected.peer.claims.identity_key).map_err(is_false)?;
    let log = connected.client.whole_log().await?;
    let checkpoint = log.head.checkpoint.clone();
    let export = Export {
        leaves: log.leaves,
        checkpoints: vec![checkpoint],
    };
    let mut output = verify(&export, &key, args.since.as_deref())?;
    if let Some(object) = output.json.as_object_mut() {
        object.insert(
            "vaults".into(),
            json!([output::vault(&connected.peer, None)]),
        );
    }
    Ok(output)
}

fn offline(context: &Context, args: &AuditVerify, file: &Path) -> Result<Output> {
    let identity = args.identity.as_ref().ok_or_else(|| {
        usage("--file needs --identity: the vault's key, as `evault audit export` writes it")
    })?;
    let spki = pem::decode(&files::read(identity)?, "PUBLIC KEY")
        .ok_or_else(|| usage(format_args!("{} holds no public key", identity.display())))?;
    let key = LogKey::from_spki(&spki).map_err(is_false)?;
    check_vault(context, &key)?;
    let export = Export::from_bytes(&files::read(file)?).map_err(is_false)?;
    verify(&export, &key, args.since.as_deref())
}

/// With `--vault`, the key must be that vault's.
pub(super) fn check_vault(context: &Context, key: &LogKey) -> Result<()> {
    let id = key.vault_id().to_string();
    match context
        .global
        .vault
        .iter()
        .find(|wanted| !id.starts_with(wanted.as_str()))
    {
        Some(wanted) => Err(is_false(format_args!(
            "the key is that of vault {id}, not {wanted}"
        ))),
        None => Ok(()),
    }
}

fn verify(export: &Export, key: &LogKey, since: Option<&Path>) -> Result<Output> {
    let verified = verify_export(export, key).map_err(is_false)?;
    if let Some(path) = since {
        extends(path, export, key, &verified.head)?;
    }
    let checkpoint = export
        .checkpoints
        .last()
        .map(|note| String::from_utf8_lossy(note));
    let json = json!({
        "vault_id": verified.head.vault_id.to_string(),
        "size": verified.head.size,
        "root": verified.head.root.to_string(),
        "checkpoint": checkpoint,
        "since": since.map_or(Value::Null, |path| json!(path)),
        "consistent": true,
    });
    let human = Human::Fields(vec![
        ("vault", verified.head.vault_id.to_string()),
        ("entries", verified.head.size.to_string()),
        ("root", verified.head.root.to_string()),
        (
            "verdict",
            "the log holds: every entry, every root, every signature".to_owned(),
        ),
    ]);
    Ok(Output::new(json, human))
}

/// Holds the log to an earlier checkpoint: the same vault, and a prefix of these leaves.
fn extends(path: &Path, export: &Export, key: &LogKey, head: &Checkpoint) -> Result<()> {
    let earlier = Checkpoint::verify(&files::read(path)?, key).map_err(is_false)?;
    let leaves = export.leaves.iter().map(|leaf| merkle::leaf_hash(leaf));
    let tree = merkle::Tree::from_leaves(leaves);
    let proof = tree
        .consistency(earlier.size, head.size)
        .unwrap_or_default();
    verify_extension(&earlier, head, &proof).map_err(|error| {
        let code = if head.size < earlier.size {
            ErrorCode::RollbackDetected
        } else {
            ErrorCode::ForkDetected
        };
        Error::new(code).detail(error)
    })
}

pub(super) fn is_false(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::VerificationFailed).detail(why)
}
