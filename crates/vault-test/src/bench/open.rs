//! Stores that grow, in keys or in entries of the log: what a start takes and needs, and what a call
//! costs at each size.

use super::{Plan, calls, report, usage, wire};
use crate::issuer::Issuer;
use crate::process::VaultProcess;
use anyhow::{Context, Result, ensure};
use buffa::Message;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::StatusCode;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use vault_policy::{KeyHandle, KeyType};
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;

const CONNECTIONS: usize = 8;
const IN_FLIGHT: usize = 32;
/// Calls at each size.
const USES: usize = 4_096;
/// A log grows by batches of so many uses: what they cost there is not what one call costs.
const BATCH: usize = 64;

/// In what a store grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Growth {
    /// Each a creation.
    Keys,
    /// Uses of one key.
    Entries,
}

impl Growth {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Entries => "entries",
        }
    }

    fn sizes(self, plan: Plan) -> impl Iterator<Item = usize> {
        let (least, most) = match self {
            Self::Keys => plan.keys,
            Self::Entries => plan.entries,
        };
        std::iter::successors(Some(least), |size| size.checked_mul(10))
            .take_while(move |size| *size <= most)
    }
}

/// One store that grows.
pub(super) async fn measure(
    plan: Plan,
    growth: Growth,
    server: &str,
    dir: PathBuf,
    issuer: &Issuer,
    results: &mut report::Results,
) -> Result<()> {
    std::fs::create_dir(&dir)?;
    let mut vault = super::unhurried(server, &dir, issuer)?;
    let maker = Arc::new(Maker::new(issuer)?);
    for size in growth.sizes(plan) {
        eprintln!("a store of {size} {}", growth.name());
        vault.start()?;
        let (cpu, begun, before) = (cpu(&vault)?, Instant::now(), maker.made());
        fill(&vault, &maker, growth, size).await?;
        let (made, cpu_after) = ((size - before) as f64, self::cpu(&vault)?);
        let per_second = made / begun.elapsed().as_secs_f64();
        results.grown(growth, size, (cpu_after - cpu) * 1e6 / made, per_second);
        // Its last snapshot is of all of it.
        vault.stop()?;
        for _ in 0..plan.rounds {
            let opened = open(&mut vault, &maker).await?;
            results.open(growth, size, opened);
            vault.kill()?;
        }
    }
    Ok(())
}

fn cpu(vault: &VaultProcess) -> Result<f64> {
    let process = vault.id().context("the vault does not run")?;
    Ok(usage::cpu(process)?.as_secs_f64())
}

/// Of one opening.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) first_use_seconds: f64,
    pub(super) resident_kib: f64,
    pub(super) disk_bytes: u64,
    pub(super) use_cpu_us: f64,
}

async fn open(vault: &mut VaultProcess, maker: &Arc<Maker>) -> Result<Opened> {
    let begun = Instant::now();
    vault.start()?;
    let seconds = begun.elapsed().as_secs_f64();
    let process = vault.id().context("the vault does not run")?;
    let cpu_seconds = cpu(vault)?;
    let resident_kib = usage::resident(process)? as f64;
    let mut connection = wire::connect(vault).await?;
    let begun = Instant::now();
    maker.use_key(&mut connection).await?;
    let first_use_seconds = begun.elapsed().as_secs_f64();
    let before = cpu(vault)?;
    work(vault, maker, Arc::default(), USES, Step::Use).await?;
    Ok(Opened {
        seconds,
        cpu_seconds,
        first_use_seconds,
        resident_kib,
        disk_bytes: disk(&vault.dir().join("data"))?,
        use_cpu_us: (cpu(vault)? - before) * 1e6 / USES as f64,
    })
}

fn disk(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

/// Makes the store so large. The first key is there before the first use.
async fn fill(vault: &VaultProcess, maker: &Arc<Maker>, growth: Growth, size: usize) -> Result<()> {
    if growth == Growth::Entries && maker.made() == 0 {
        maker.create(&mut wire::connect(vault).await?, 0).await?;
        maker.made.store(1, Ordering::Relaxed);
    }
    let step = match growth {
        Growth::Keys => Step::Create,
        Growth::Entries => Step::Batch,
    };
    work(vault, maker, maker.made.clone(), size, step).await
}

/// What one request does.
#[derive(Clone, Copy)]
enum Step {
    Create,
    Use,
    Batch,
}

impl Step {
    fn most(self) -> usize {
        match self {
            Self::Create | Self::Use => 1,
            Self::Batch => BATCH,
        }
    }
}

/// Many calls at a time, until `done` is `until`.
async fn work(
    vault: &VaultProcess,
    maker: &Arc<Maker>,
    done: Arc<AtomicUsize>,
    until: usize,
    step: Step,
) -> Result<()> {
    let mut workers = Vec::new();
    for _ in 0..CONNECTIONS {
        let connection = wire::connect(vault).await?;
        for _ in 0..IN_FLIGHT {
            let (mut connection, maker) = (connection.clone(), maker.clone());
            let done = done.clone();
            workers.push(tokio::spawn(async move {
                while let Some(taken) = next(&done, until, step.most()) {
                    match step {
                        Step::Create => maker.create(&mut connection, taken.start).await?,
                        Step::Use => maker.use_key(&mut connection).await?,
                        Step::Batch => maker.use_often(&mut connection, taken.len()).await?,
                    }
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

/// The numbers of some more.
fn next(done: &AtomicUsize, until: usize, most: usize) -> Option<Range<usize>> {
    let end = |done: usize| done.saturating_add(most).min(until);
    let more = |done| (done < until).then(|| end(done));
    let begin = done.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    begin.ok().map(|begin| begin..end(begin))
}

struct Maker {
    authorization: String,
    policy: Vec<u8>,
    made: Arc<AtomicUsize>,
}

impl Maker {
    fn new(issuer: &Issuer) -> Result<Self> {
        Ok(Self {
            authorization: format!("Bearer {}", issuer.token("owner").context("no owner")?),
            policy: calls::policy(issuer, KeyType::HmacSha256)?,
            made: Arc::default(),
        })
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
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
        .await?;
        Ok(())
    }

    async fn use_key(&self, connection: &mut wire::Connection) -> Result<()> {
        let body = use_of_a_key().encode_to_vec().into();
        self.send(connection, "CryptoService/Mac", body).await?;
        Ok(())
    }

    async fn use_often(&self, connection: &mut wire::Connection, uses: usize) -> Result<()> {
        let call = |id| v1::OperateRequest {
            id: id as u64,
            call: Some(Call::Mac(Box::new(use_of_a_key()))),
            ..Default::default()
        };
        let batch = v1::BatchRequest {
            calls: (0..uses).map(call).collect(),
            ..Default::default()
        };
        let body = batch.encode_to_vec().into();
        let answer = self.send(connection, "CryptoService/Batch", body).await?;
        let answer = v1::BatchResponse::decode_from_slice(&answer)?;
        let mut outcomes = answer.outcomes.iter().map(|answer| &answer.outcome);
        let done = outcomes.all(|outcome| matches!(outcome, Some(Outcome::Mac(_))));
        ensure!(done && answer.outcomes.len() == uses, "not all were done");
        Ok(())
    }

    async fn send(
        &self,
        connection: &mut wire::Connection,
        path: &str,
        body: Bytes,
    ) -> Result<Bytes> {
        let body = Either::Left(Full::new(body));
        let request = wire::request(path, "application/proto", &self.authorization, body)?;
        let response = connection.send_request(request).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::OK, "{status}: {answer:?}");
        Ok(answer)
    }
}

fn use_of_a_key() -> v1::MacRequest {
    v1::MacRequest {
        key: v1::KeyRef {
            handle: handle(0).to_string(),
            ..Default::default()
        }
        .into(),
        message: b"bench".to_vec(),
        ..Default::default()
    }
}

fn handle(key: usize) -> KeyHandle {
    let mut bytes = [7; 16];
    for (byte, digit) in bytes.iter_mut().zip((key as u64).to_be_bytes()) {
        *byte = digit;
    }
    KeyHandle(bytes)
}
