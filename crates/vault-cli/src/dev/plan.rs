//! What a directory of `dev` was made as. The file marks the directory as one.

use super::failed;
use super::layout::{Layout, write_text};
use crate::files;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::net::SocketAddr;
use vault_client::{Error, ErrorCode, Result};
use vault_governance::ConstellationId;

const FORMAT: &str = "enclave-vaults/dev/v1";
/// Of a new directory, unless the command line says otherwise.
pub(crate) const VAULTS: u8 = 4;
pub(crate) const THRESHOLD: u8 = 2;

/// `dev.json`
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    format: String,
    /// How many vaults.
    pub(crate) vaults: u8,
    /// How many of them the printed examples need for a secret.
    pub(crate) threshold: u8,
    /// 32 random bytes, hex.
    constellation: String,
    /// Where the issuer listens: part of what the vaults have sealed.
    pub(crate) issuer: Option<String>,
    /// Where the relay listens: passkeys are bound to the wallet's origin.
    #[serde(default)]
    pub(crate) relay: Option<SocketAddr>,
    /// Whether the vaults have sealed that the issuer may grant the managers' role.
    #[serde(default)]
    pub(super) managers: bool,
}

impl Plan {
    /// That of the directory, or a new one.
    pub(crate) fn prepare(layout: &Layout, wanted: Wanted) -> Result<Self> {
        if let Some(plan) = Self::read(layout)? {
            return plan.fits(layout, wanted);
        }
        if layout.file("vault.toml").exists() {
            return Err(of_an_earlier_release(layout));
        }
        let plan = Self::draw(wanted)?;
        plan.write(layout)?;
        Ok(plan)
    }

    /// What was written; none if this is no directory of `dev`.
    pub(crate) fn read(layout: &Layout) -> Result<Option<Self>> {
        let path = layout.plan();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(files::inaccessible(&path, &error)),
        };
        let plan: Self = serde_json::from_str(&text)
            .map_err(|error| unusable(layout, format_args!("{}: {error}", path.display())))?;
        if plan.format != FORMAT {
            let detail = format!("{}: made by another release", path.display());
            return Err(unusable(layout, detail));
        }
        Ok(Some(plan))
    }

    pub(crate) fn write(&self, layout: &Layout) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(failed)?;
        write_text(&layout.plan(), &text)
    }

    pub(crate) fn constellation(&self) -> Result<ConstellationId> {
        self.constellation.parse().map_err(failed)
    }

    fn draw(wanted: Wanted) -> Result<Self> {
        let vaults = wanted.vaults.unwrap_or(VAULTS);
        let threshold = wanted.threshold.unwrap_or(THRESHOLD);
        if wanted.threshold.is_some_and(|threshold| threshold > vaults) {
            return Err(crate::context::usage("--threshold is more than --vaults"));
        }
        let mut id = [0; 32];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| failed("no randomness"))?;
        Ok(Self {
            format: FORMAT.to_owned(),
            vaults,
            threshold,
            constellation: ConstellationId::from_random(id).to_string(),
            issuer: None,
            relay: None,
            managers: true,
        })
    }

    fn fits(self, layout: &Layout, wanted: Wanted) -> Result<Self> {
        let mut differs = String::new();
        for (flag, asked, has) in [
            ("--vaults", wanted.vaults, self.vaults),
            ("--threshold", wanted.threshold, self.threshold),
        ] {
            if asked.is_some_and(|asked| asked != has) {
                let _ = write!(differs, " {flag} {has}");
            }
        }
        if differs.is_empty() {
            return Ok(self);
        }
        let detail = format!("{} was made with{differs}", layout.dir().display());
        Err(unusable(layout, detail))
    }
}

/// What the command line asks for.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Wanted {
    pub(crate) vaults: Option<u8>,
    pub(crate) threshold: Option<u8>,
}

fn of_an_earlier_release(layout: &Layout) -> Error {
    unusable(
        layout,
        format_args!(
            "{} was made by an earlier release, which ran one vault; keep it for that release and \
             use another --dir, or remove it with `dev reset`",
            layout.dir().display()
        ),
    )
}

fn unusable(layout: &Layout, detail: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::ConfigInvalid)
        .detail(detail)
        .next(format!("evault dev reset --dir {}", layout.dir().display()))
}
