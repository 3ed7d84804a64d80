//! `owner import`

use super::owner_export::report;
use crate::context::Context;
use crate::output::Output;
use std::path::PathBuf;
use vault_client::Result;
use vault_client::secret::OwnerKeyFile;

pub(crate) fn run(context: &Context, file: PathBuf) -> Result<Output> {
    let owner = OwnerKeyFile::new(context.config()?.owner_key()?);
    let key = owner.import(&file)?;
    context.note("records that were lost with the old key's machine: evault secret recover");
    Ok(report(&key, owner.path()))
}
