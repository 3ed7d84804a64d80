//! The public tool that checks what a vault signed, and that asks the issuer as anybody may.

use super::report::Told;
use crate::config::Config;
use crate::dev::Layout;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
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

/// A token of the owner that is bound to no key: what `POST /token` gives to whoever shows no
/// proof. The secret goes through a pipe, not an argument.
pub(super) async fn bearer_token(layout: &Layout) -> Told {
    let config = Config::load(Some(&layout.config())).map_err(|error| error.message())?;
    let owner = config.profiles.get("owner").ok_or("no profile owner")?;
    let uri = owner.token_endpoint.as_deref().unwrap_or_default();
    let (host, path) = uri
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'))
        .ok_or("no token endpoint")?;
    let secret = std::fs::read_to_string(layout.secret("owner")).map_err(|e| e.to_string())?;
    let body = format!(
        "grant_type=client_credentials&client_id=owner&client_secret={}",
        secret.trim_end()
    );
    let request = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = s_client(host, &layout.file("issuer-ca.pem"), &request).await?;
    let json = answer.split_once("\r\n\r\n").map(|(_, json)| json);
    let granted: Value = serde_json::from_str(json.unwrap_or_default()).map_err(|_| {
        format!(
            "the issuer says: {}",
            answer.lines().next().unwrap_or_default()
        )
    })?;
    match (granted.get("token_type"), granted.get("access_token")) {
        (Some(Value::String(kind)), Some(Value::String(token))) if kind == "Bearer" => {
            Ok(token.clone())
        }
        _ => Err("the issuer gave no bearer token".to_owned()),
    }
}

async fn s_client(host: &str, ca: &Path, request: &str) -> Told {
    let mut child = Command::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-verify_return_error",
            "-connect",
            host,
            "-CAfile",
        ])
        .arg(ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().ok_or("no stdin")?;
    let asked = stdin.write_all(request.as_bytes()).await;
    asked.map_err(|error| error.to_string())?;
    let answered = child.wait_with_output().await.map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&answered.stdout).into_owned())
}
