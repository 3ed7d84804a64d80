//! Starting a vault over a store of so many keys: time until it accepts connections, memory then,
//! and the first use of a key.

use super::{Plan, calls, report, usage, wire};
use crate::issuer::Issuer;
use crate::process::VaultProcess;
use anyhow::{Context, Result, ensure};
use buffa::Message;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::StatusCode;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use vault_policy::{KeyHandle, KeyType};
use vault_proto::v1;

const CONNECTIONS: usize = 8;
const IN_FLIGHT: usize = 32;

/// One store that grows.
pub(super) async fn measure(
    plan: Plan,
    server: &str,
    dir: PathBuf,
    issuer: &Issuer,
    results: &mut report::Results,
) -> Result<()> {
    std::fs::create_dir(&dir)?;
    let mut vault = VaultProcess::prepare(&[server], &dir, issuer)?;
    let maker = Arc::new(Maker::new(issuer)?);
    for keys in plan.keys {
        eprintln!("a store of {keys} keys");
        vault.start()?;
        fill(&vault, &maker, keys).await?;
        for _ in 0..plan.rounds {
            vault.kill()?;
            let opened = open(&mut vault, &maker).await?;
            results.open(keys, opened);
        }
        vault.kill()?;
    }
    Ok(())
}

/// Of one opening.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) first_use_seconds: f64,
    pub(super) resident_kib: f64,
}

async fn open(vault: &mut VaultProcess, maker: &Maker) -> Result<Opened> {
    let begun = Instant::now();
    vault.start()?;
    let seconds = begun.elapsed().as_secs_f64();
    let process = vault.id().context("the vault does not run")?;
    let cpu_seconds = usage::cpu(process)?.as_secs_f64();
    let resident_kib = usage::resident(process)? as f64;
    let mut connection = wire::connect(vault).await?;
    let begun = Instant::now();
    maker.use_first(&mut connection).await?;
    Ok(Opened {
        seconds,
        cpu_seconds,
        first_use_seconds: begun.elapsed().as_secs_f64(),
        resident_kib,
    })
}

/// Makes keys until there are so many.
async fn fill(vault: &VaultProcess, maker: &Arc<Maker>, keys: usize) -> Result<()> {
    let mut workers = Vec::new();
    for _ in 0..CONNECTIONS {
        let connection = wire::connect(vault).await?;
        for _ in 0..IN_FLIGHT {
            let (mut connection, maker) = (connection.clone(), maker.clone());
            workers.push(tokio::spawn(async move {
                while let Some(key) = maker.next(keys) {
                    maker.create(&mut connection, key).await?;
                }
                anyhow::Ok(())
            }));
        }
    }
    for worker in workers {
        worker.await??;
    }
    Ok(())
}

struct Maker {
    authorization: String,
    policy: Vec<u8>,
    made: AtomicUsize,
}

impl Maker {
    fn new(issuer: &Issuer) -> Result<Self> {
        Ok(Self {
            authorization: format!("Bearer {}", issuer.token("owner").context("no owner")?),
            policy: calls::policy(issuer, KeyType::HmacSha256)?,
            made: AtomicUsize::new(0),
        })
    }

    /// The number of one more key.
    fn next(&self, keys: usize) -> Option<usize> {
        let more = |made| (made < keys).then_some(made + 1);
        self.made
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()
    }

    async fn create(&self, connection: &mut wire::Connection, key: usize) -> Result<()> {
        let request = v1::CreateKeyRequest {
            handle: handle(key).to_string(),
            r#type: vault_proto::to_key_type(KeyType::HmacSha256).into(),
            policy: self.policy.clone(),
            ..Default::default()
        };
        self.send(
            connection,
            "KeyService/CreateKey",
            request.encode_to_vec().into(),
        )
        .await
    }

    async fn use_first(&self, connection: &mut wire::Connection) -> Result<()> {
        let request = v1::MacRequest {
            key: v1::KeyRef {
                handle: handle(0).to_string(),
                ..Default::default()
            }
            .into(),
            message: b"bench".to_vec(),
            ..Default::default()
        };
        self.send(
            connection,
            "CryptoService/Mac",
            request.encode_to_vec().into(),
        )
        .await
    }

    async fn send(&self, connection: &mut wire::Connection, path: &str, body: Bytes) -> Result<()> {
        let body = Either::Left(Full::new(body));
        let request = wire::request(path, "application/proto", &self.authorization, body)?;
        let response = connection.send_request(request).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::OK, "{status}: {answer:?}");
        Ok(())
    }
}

fn handle(key: usize) -> KeyHandle {
    let mut bytes = [7; 16];
    for (byte, digit) in bytes.iter_mut().zip((key as u64).to_be_bytes()) {
        *byte = digit;
    }
    KeyHandle(bytes)
}
