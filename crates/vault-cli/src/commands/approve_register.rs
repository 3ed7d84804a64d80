//! `approve register`

use crate::cli::ApproveRegister;
use crate::context::{Context, usage};
use crate::files;
use crate::output::{Human, Output};
use crate::policy_source::{to_value, to_yaml};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use vault_client::Result;
use vault_client::approval::{SoftwareCredential, mailbox};
use vault_encoding::text;
use zeroize::Zeroizing;

pub(crate) fn run(context: &Context, args: &ApproveRegister) -> Result<Output> {
    let rp_id = match &args.rp_id {
        Some(rp_id) => rp_id.clone(),
        None => host(&args.origin)?.to_owned(),
    };
    let credential = SoftwareCredential::generate(rp_id, &args.origin)?;
    write_new(&args.out, &credential.to_json())?;
    context.note(
        "this is a SOFTWARE credential: whoever reads the file can approve in its owner's name",
    );
    let principal = credential.principal();
    let id = credential.credential_id();
    let json = json!({
        "credential": to_value(&principal),
        "credential_id": text::base64url(id),
        "mailbox": mailbox(id).to_string(),
        "software": true,
        "file": args.out,
    });
    Ok(Output::new(json, Human::Text(to_yaml(&principal)?)))
}

/// The credential in a file.
pub(super) fn read(path: &Path) -> Result<SoftwareCredential> {
    let bytes = Zeroizing::new(files::read(path)?);
    SoftwareCredential::parse(&bytes)
}

/// Nothing is ever overwritten: it may be somebody's only credential.
fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| files::inaccessible(path, &error))
}

/// The host of an origin, which is a scheme, a host and perhaps a port.
fn host(origin: &str) -> Result<&str> {
    let rest = ["http://", "https://"]
        .into_iter()
        .find_map(|scheme| origin.strip_prefix(scheme));
    let rest = rest.filter(|rest| !rest.is_empty() && !rest.contains('/'));
    let rest = rest.ok_or_else(|| usage("--origin is not an origin such as https://host"))?;
    Ok(rest.split(':').next().unwrap_or(rest))
}
