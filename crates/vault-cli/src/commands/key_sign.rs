//! `key sign`

use crate::cli::{DigestName, FormatName, KeySign};
use crate::context::{Connected, Context, usage};
use crate::files;
use crate::inputs;
use crate::key_ref::{self, KeyRef};
use crate::output::{self, Human, Output};
use crate::place;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::path::Path;
use vault_client::{Input, Result};
use vault_policy::KeyType;

pub(crate) async fn run(context: &Context, args: KeySign) -> Result<Output> {
    let named = [("--in", args.input.as_path())];
    inputs::distinct(named.into_iter().chain(args.approval.named()))?;
    let input = input(&args.input, args.digest)?;
    let (connected, key) = key_ref::locate(context, &args.key).await?;
    sign_with(&connected, &key, input, &args).await
}

/// Signs over a connection that exists.
#[cfg(feature = "dev")]
pub(crate) async fn sign(connected: &Connected, args: &KeySign) -> Result<Output> {
    let input = input(&args.input, args.digest)?;
    let key = key_ref::resolve(&connected.client, &args.key).await?;
    sign_with(connected, &key, input, args).await
}

async fn sign_with(
    connected: &Connected,
    key: &KeyRef,
    input: Input,
    args: &KeySign,
) -> Result<Output> {
    let (key_type, der) = format(connected, key, args.format).await?;
    let signed = args
        .approval
        .on(connected)?
        .sign(key.name, input, der)
        .await?;
    let signature_b64 = STANDARD.encode(&signed.value.signature);
    let json = json!({
        "algorithm": algorithm(key_type),
        "format": if der { "der" } else { "p1363" },
        "version": signed.value.version.0,
        "signature_b64": signature_b64,
        "vaults": [output::vault(&connected.peer, Some(&signed.receipt))],
    });
    match &args.out {
        Some(path) => {
            files::write(path, &signed.value.signature)?;
            let stdout_taken = place::is_stdout(path);
            Ok(Output {
                stdout_taken,
                ..Output::new(json, Human::Silent)
            })
        }
        None => Ok(Output::new(json, Human::Text(signature_b64))),
    }
}

/// The message, or its digest where it is hashed here.
pub(crate) fn input(path: &Path, digest: Option<DigestName>) -> Result<Input> {
    Ok(match digest {
        None => Input::Message(files::read(path)?),
        Some(DigestName::Sha256) => Input::Digest(files::sha256(path)?.0),
    })
}

/// The key's type, and whether the signature is DER: by default what openssl reads.
pub(crate) async fn format(
    connected: &Connected,
    key: &KeyRef,
    named: Option<FormatName>,
) -> Result<(KeyType, bool)> {
    let key_type = key.info(&connected.client).await?.key_type;
    match (key_type, named) {
        (KeyType::P256Signing, Some(FormatName::P1363)) => Ok((key_type, false)),
        (KeyType::P256Signing, _) => Ok((key_type, true)),
        (KeyType::Ed25519Signing, Some(FormatName::Der)) => {
            Err(usage("signatures of Ed25519 are not written in DER"))
        }
        _ => Ok((key_type, false)),
    }
}

fn algorithm(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::P256Signing => "ecdsa-p256-sha256",
        KeyType::Ed25519Signing => "ed25519",
        KeyType::Aes256Gcm | KeyType::HmacSha256 | KeyType::RawShare => key_type.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_client::ErrorCode;

    #[test]
    fn the_digest_is_that_of_all_of_a_file_whatever_its_length() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        let length = (64 << 20) + 1;
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(length).unwrap();
        let whole = vault_encoding::sha256(&vec![0; length as usize]).0;
        let digested = input(&path, Some(DigestName::Sha256)).unwrap();
        assert!(matches!(digested, Input::Digest(hash) if hash == whole));
        let refused = input(&path, None).err().unwrap();
        assert_eq!(refused.code, ErrorCode::TooLarge);
    }
}
