//! Requests for approval and the answers to them, as files.

use crate::asked::{Asked, Parts};
use crate::cli::ApprovalArg;
use crate::context::{Connected, usage};
use crate::files;
use std::path::Path;
use vault_client::{Client, Result};

impl Asked {
    /// Of files, each a request, an answer, or both.
    pub(crate) fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Self> {
        let mut read = Parts::default();
        for path in paths {
            let path = path.as_ref();
            read.take(&files::read(path)?).map_err(|error| {
                let why = error.detail.clone().unwrap_or_else(|| error.message());
                usage(format_args!("{}: {why}", path.display()))
            })?;
        }
        read.asked()
    }
}

impl ApprovalArg {
    /// Each of the files, with the flag that names it.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.approval
            .iter()
            .map(|path| ("--approval", path.as_path()))
    }

    /// The client whose next call carries what the flags name, if they name anything.
    pub(crate) fn on(&self, connected: &Connected) -> Result<Client> {
        if self.approval.is_empty() {
            return Ok(connected.client.clone());
        }
        let asked = Asked::load(&self.approval)?;
        let approvals = asked.gesture.approvals(&asked.answers)?;
        let vault = connected.client.vault_id();
        let approval = approvals.get(&vault).ok_or_else(|| {
            usage(format_args!("nothing is approved for vault {vault}")).vault(vault)
        })?;
        Ok(connected.client.approved(approval))
    }
}
