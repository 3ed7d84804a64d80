//! The key that a profile's connections show, so that an approval is good on these connections and on
//! no others. Made when the first approval is asked for.

use crate::config::Config;
use crate::context::Context;
use crate::files;
use ratls::tls::ClientKey;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::text;
use zeroize::{Zeroize, Zeroizing};

const FORMAT: &str = "enclave-vaults/client-key/v1";

/// The file, for its user only.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: String,
    /// DER, base64url.
    certificate: String,
    /// PKCS #8, base64url.
    private_key: String,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.private_key.zeroize();
    }
}

/// The profile's key; none before [`make`]. An enclave shows its evidence instead.
pub(crate) fn held(context: &Context, config: &Config) -> Result<Option<Arc<ClientKey>>> {
    let path = path(context, config)?;
    if context.caller.is_some() || !path.exists() {
        return Ok(None);
    }
    let unusable = |why: &str| {
        let detail = format!("{}: {why}", path.display());
        Error::new(ErrorCode::ConfigInvalid).detail(detail)
    };
    let bytes = Zeroizing::new(files::read(&path)?);
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| unusable("not a client key"))?;
    if kept.format != FORMAT {
        return Err(unusable("made by another release"));
    }
    let certificate = text::unbase64url(&kept.certificate);
    let key = text::unbase64url(&kept.private_key).map(Zeroizing::new);
    let (certificate, key) = certificate
        .zip(key)
        .ok_or_else(|| unusable("not base64url"))?;
    Ok(Some(Arc::new(ClientKey::new(certificate, key))))
}

/// Makes the profile's key, unless there is one.
pub(crate) fn make(context: &Context, config: &Config) -> Result<()> {
    let path = path(context, config)?;
    if context.caller.is_some() || path.exists() {
        return Ok(());
    }
    let key =
        ClientKey::generate().map_err(|error| Error::new(ErrorCode::Internal).detail(error))?;
    let kept = Kept {
        format: FORMAT.to_owned(),
        certificate: text::base64url(key.certificate()),
        private_key: text::base64url(key.private_key()),
    };
    let bytes = serde_json::to_vec(&kept).map(Zeroizing::new);
    let bytes = bytes.map_err(|error| Error::new(ErrorCode::Internal).detail(error))?;
    files::replace(&path, &bytes)
}

/// One for each profile: what it shows must not tie profiles together.
fn path(context: &Context, config: &Config) -> Result<PathBuf> {
    let name = context.profile_name(config).unwrap_or("default");
    let name = text::base64url(name.as_bytes());
    let dir = config.state_dir()?.join("client-keys");
    Ok(dir.join(format!("{name}.json")))
}
