//! `owner export`

use crate::context::Context;
use crate::output::{Human, Output};
use serde_json::json;
use std::path::{Path, PathBuf};
use vault_client::Result;
use vault_client::secret::{OwnerKey, OwnerKeyFile};
use vault_encoding::text;

pub(crate) fn run(context: &Context, file: PathBuf) -> Result<Output> {
    let owner = OwnerKeyFile::new(context.config()?.owner_key()?);
    owner.export(&file)?;
    let key = super::secret_json::owner(&context.config()?)?;
    context.note("whoever has this file and a share can tell what it is a share of: keep it safe");
    Ok(report(&key, &file))
}

/// What tells the key from others, and where it is.
pub(super) fn report(key: &OwnerKey, file: &Path) -> Output {
    let id = text::hex(&key.id());
    let human = Human::Fields(vec![
        ("owner key", id.clone()),
        ("file", file.display().to_string()),
    ]);
    Output::new(json!({ "owner_id": id, "file": file }), human)
}
