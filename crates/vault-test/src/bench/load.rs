//! One load for a while: so many connections with so many calls in flight on each.

use super::calls::Call;
use super::usage;
use super::wire::{self, AnyBody, Connection, ENVELOPE, Pieces};
use crate::process::VaultProcess;
use anyhow::{Context, Result, bail, ensure};
use buffa::Message;
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::{BodyExt, Either, Full};
use hyper::StatusCode;
use hyper::body::Incoming;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;

/// How calls are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    pub(super) way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Unary,
    Stream,
    /// One batch of all that is in flight on a connection.
    Batch,
}

impl Shape {
    pub(super) const fn unary(connections: usize, in_flight: usize) -> Self {
        Self::new(connections, in_flight, Way::Unary)
    }

    pub(super) const fn stream(connections: usize, in_flight: usize) -> Self {
        Self::new(connections, in_flight, Way::Stream)
    }

    pub(super) const fn batch(connections: usize, in_flight: usize) -> Self {
        Self::new(connections, in_flight, Way::Batch)
    }

    const fn new(connections: usize, in_flight: usize, way: Way) -> Self {
        Self {
            connections,
            in_flight,
            way,
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// Calls per second of server CPU.
    pub(super) per_core: f64,
    /// Calls per second of time.
    pub(super) per_second: f64,
    /// Voluntary context switches of the server for each call.
    pub(super) wakes: f64,
}

/// What the workers of one load share.
#[derive(Default)]
struct Progress {
    stop: AtomicBool,
    done: AtomicU64,
}

impl Progress {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn add(&self, calls: u64) {
        self.done.fetch_add(calls, Ordering::Relaxed);
    }
}

/// Drives the vault for `span`, after a tenth of it as a warm-up.
pub(super) async fn measure(
    vault: &VaultProcess,
    process: u32,
    shape: Shape,
    call: &Call,
    span: Duration,
) -> Result<Measured> {
    let progress = Arc::new(Progress::default());
    let mut workers = Vec::new();
    for _ in 0..shape.connections {
        let connection = wire::connect(vault).await?;
        let workers_of_one = match shape.way {
            Way::Unary => shape.in_flight,
            Way::Stream | Way::Batch => 1,
        };
        for _ in 0..workers_of_one {
            let worker = Worker {
                connection: connection.clone(),
                call: call.clone(),
                progress: progress.clone(),
            };
            workers.push(tokio::spawn(worker.work(shape)));
        }
    }
    tokio::time::sleep(span / 10).await;
    let measured = watch(&progress, process, span).await;
    progress.stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await??;
    }
    measured
}

async fn watch(progress: &Progress, process: u32, span: Duration) -> Result<Measured> {
    let (cpu, wakes, begun) = (usage::cpu(process)?, usage::wakes(process)?, Instant::now());
    let done = progress.done.load(Ordering::Relaxed);
    tokio::time::sleep(span).await;
    let done = (progress.done.load(Ordering::Relaxed) - done) as f64;
    let cpu = usage::cpu(process)?.saturating_sub(cpu).as_secs_f64();
    let wakes = usage::wakes(process)?.saturating_sub(wakes) as f64;
    ensure!(done > 0.0 && cpu > 0.0, "nothing was done");
    Ok(Measured {
        per_core: done / cpu,
        per_second: done / begun.elapsed().as_secs_f64(),
        wakes: wakes / done,
    })
}

struct Worker {
    connection: Connection,
    call: Call,
    progress: Arc<Progress>,
}

impl Worker {
    async fn work(mut self, shape: Shape) -> Result<()> {
        match shape.way {
            Way::Unary => {
                let (path, body) = (self.call.path, self.call.single.clone());
                while self.progress.goes_on() {
                    self.single(path, body.clone()).await?;
                    self.progress.add(1);
                }
                Ok(())
            }
            Way::Batch => {
                let body = self.call.batch(shape.in_flight)?;
                while self.progress.goes_on() {
                    let answer = self.single("CryptoService/Batch", body.clone()).await?;
                    let answer = v1::BatchResponse::decode_from_slice(&answer)?;
                    ensure!(
                        answer.outcomes.len() == shape.in_flight,
                        "not all were answered"
                    );
                    answer.outcomes.into_iter().try_for_each(good)?;
                    self.progress.add(shape.in_flight as u64);
                }
                Ok(())
            }
            Way::Stream => self.stream(shape.in_flight).await,
        }
    }

    async fn single(&mut self, path: &str, body: Bytes) -> Result<Bytes> {
        let body = Either::Left(Full::new(body));
        let token = &self.call.authorization;
        let request = wire::request(path, "application/proto", token, body)?;
        let response = self.connection.send_request(request).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::OK, "{status}: {answer:?}");
        Ok(answer)
    }

    /// Keeps so many calls in flight on one stream.
    async fn stream(&mut self, in_flight: usize) -> Result<()> {
        let (sending, pieces) = mpsc::channel(in_flight * 2);
        let body: AnyBody = Either::Right(Pieces(pieces));
        let token = &self.call.authorization;
        let path = "CryptoService/Operate";
        let request = wire::request(path, "application/connect+proto", token, body)?;
        let response = self.connection.send_request(request).await?;
        ensure!(response.status() == StatusCode::OK, "{}", response.status());
        let mut answers = Answers::new(response.into_body());
        let mut next = 0;
        while next < in_flight as u64 {
            sending.send(self.call.numbered(next)).await?;
            next += 1;
        }
        for _ in 0..in_flight {
            // One more answer is taken than calls are sent, until none is in flight.
            loop {
                good(answers.next().await?)?;
                self.progress.add(1);
                if !self.progress.goes_on() {
                    break;
                }
                sending.send(self.call.numbered(next)).await?;
                next += 1;
            }
        }
        Ok(())
    }
}

/// The messages of a stream.
struct Answers {
    body: Incoming,
    read: BytesMut,
}

impl Answers {
    fn new(body: Incoming) -> Self {
        Self {
            body,
            read: BytesMut::new(),
        }
    }

    async fn next(&mut self) -> Result<v1::OperateResponse> {
        loop {
            if let Some(message) = self.complete()? {
                return Ok(v1::OperateResponse::decode_from_slice(&message)?);
            }
            let frame = self.body.frame().await.context("the stream ended")??;
            if let Ok(data) = frame.into_data() {
                self.read.extend_from_slice(&data);
            }
        }
    }

    fn complete(&mut self) -> Result<Option<Bytes>> {
        let Some((&[flags, a, b, c, d], rest)) = self.read.split_first_chunk::<ENVELOPE>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if rest.len() < length {
            return Ok(None);
        }
        self.read.advance(ENVELOPE);
        let message = self.read.split_to(length).freeze();
        if flags != 0 {
            bail!("the stream ended: {message:?}");
        }
        Ok(Some(message))
    }
}

fn good(answer: v1::OperateResponse) -> Result<()> {
    match answer.outcome {
        Some(Outcome::Error(error)) => bail!("refused: {}", error.message),
        Some(_) => Ok(()),
        None => bail!("an answer without outcome"),
    }
}
