//! What an issuer keeps between starts.

use super::keys::KeyRing;
use super::tls::Authority;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

pub(crate) struct Files(Option<PathBuf>);

impl Files {
    pub(crate) fn new(dir: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(dir) = &dir {
            std::fs::create_dir_all(dir)?;
        }
        Ok(Self(dir))
    }

    /// Listens where it is told; with port 0 where it listened before, if that port is free.
    pub(crate) async fn listen(&self, wanted: SocketAddr) -> anyhow::Result<TcpListener> {
        let Some(file) = self.0.as_ref().map(|dir| dir.join("port")) else {
            return Ok(TcpListener::bind(wanted).await?);
        };
        if let (0, Some(port)) = (wanted.port(), remembered(&file))
            && let Ok(listener) = TcpListener::bind((wanted.ip(), port)).await
        {
            return Ok(listener);
        }
        let listener = TcpListener::bind(wanted).await?;
        std::fs::write(file, listener.local_addr()?.port().to_string())?;
        Ok(listener)
    }

    pub(crate) fn authority(&self) -> anyhow::Result<Authority> {
        let Some(dir) = &self.0 else {
            return Authority::generate();
        };
        let (certificate, key) = (dir.join("ca.pem"), dir.join("ca-key.pem"));
        if certificate.exists() && key.exists() {
            return Authority::load(
                std::fs::read_to_string(certificate)?,
                &std::fs::read_to_string(key)?,
            );
        }
        let authority = Authority::generate()?;
        write_private(&key, authority.key_pem().as_bytes())?;
        std::fs::write(certificate, authority.pem())?;
        Ok(authority)
    }

    pub(crate) fn keys(&self) -> anyhow::Result<KeyRing> {
        KeyRing::open(self.0.clone())
    }
}

fn remembered(file: &Path) -> Option<u16> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Readable by the owner only.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(bytes)?)
}
