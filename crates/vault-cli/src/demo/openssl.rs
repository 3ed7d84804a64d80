//! The public tool that checks what a vault signed.

use super::report::Told;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// `openssl dgst -sha256 -verify`.
pub(super) async fn verify(pem: &Path, signature: &Path, message: &Path) -> Told {
    let output = Command::new("openssl")
        .args(["dgst", "-sha256", "-verify"])
        .arg(pem)
        .arg("-signature")
        .arg(signature)
        .arg(message)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => Err(format!(
            "openssl says: {}{}",
            String::from_utf8_lossy(&output.stdout).trim(),
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("openssl is not installed; for example: apt-get install openssl".to_owned())
        }
        Err(error) => Err(format!("openssl: {error}")),
    }
}
