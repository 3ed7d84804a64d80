//! The key that a profile's connections show, so that an approval is good on these connections and on
//! no others: that of the profile's certificate, or one that is made when the first approval is asked for.

use crate::config::{Config, invalid};
use crate::context::Context;
use crate::files;
use crate::pem;
use ratls::tls::ClientKey;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
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

/// The profile's key; without a certificate none before [`make`]. An enclave shows its evidence instead.
pub(crate) fn held(context: &Context, config: &Config) -> Result<Option<Arc<ClientKey>>> {
    if context.caller.is_some() {
        return Ok(None);
    }
    if let Some(key) = of_profile(context, config)? {
        return Ok(Some(Arc::new(key)));
    }
    let path = path(context, config)?;
    if !path.exists() {
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
    let own = context.caller.is_some() || path.exists();
    if own || of_profile(context, config)?.is_some() {
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

/// The certificate that the profile names, with those of the authorities above it.
fn of_profile(context: &Context, config: &Config) -> Result<Option<ClientKey>> {
    let Some((name, profile)) = context.profile(config)? else {
        return Ok(None);
    };
    match (&profile.certificate, &profile.certificate_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => read(certificate, key).map(Some),
        _ => Err(invalid(format_args!(
            "profile {name} needs both certificate and certificate_key, or neither"
        ))),
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ClientKey> {
    let unusable = |path: &Path, why: &str| invalid(format_args!("{}: {why}", path.display()));
    let chain = pem::decode_all(&files::read(certificate)?, "CERTIFICATE");
    let mut chain = chain
        .ok_or_else(|| unusable(certificate, "no certificate in PEM"))?
        .into_iter();
    let private = Zeroizing::new(files::read(key)?);
    let private = pem::decode(&private, "PRIVATE KEY").map(Zeroizing::new);
    let private = private.ok_or_else(|| unusable(key, "no PKCS #8 private key in PEM"))?;
    let leaf = chain.next().unwrap_or_default();
    let read = ClientKey::new(leaf, private).issued_by(chain.collect());
    match read.spki_hash() {
        Some(_) => Ok(read),
        None => Err(unusable(certificate, "not a certificate")),
    }
}

/// One for each profile: what it shows must not tie profiles together.
fn path(context: &Context, config: &Config) -> Result<PathBuf> {
    let name = context.profile_name(config).unwrap_or("default");
    let name = text::base64url(name.as_bytes());
    let dir = config.state_dir()?.join("client-keys");
    Ok(dir.join(format!("{name}.json")))
}
