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
use tokio::task::JoinHandle;
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;

/// How calls are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    pub(super) way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Unary,
    Stream,
    /// One batch of all that is in flight on a connection.
    Batch,
}

impl Shape {
    pub(crate) const fn unary(connections: usize, in_flight: usize) -> Self {
        Self::new(connections, in_flight, Way::Unary)
    }

    pub(crate) const fn stream(connections: usize, in_flight: usize) -> Self {
        Self::new(connections, in_flight, Way::Stream)
    }

    pub(crate) const fn batch(connections: usize, in_flight: usize) -> Self {
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
pub(crate) struct Load {
    stop: AtomicBool,
    done: AtomicU64,
    refused: AtomicU64,
    /// Whether refusals for the rate are what is to be expected.
    hostile: bool,
}

impl Load {
    pub(crate) fn of_a_hostile_tenant() -> Self {
        Self {
            hostile: true,
            ..Self::default()
        }
    }

    /// Ends it.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Calls that were done.
    pub(crate) fn answered(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Calls that were refused for the rate.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn count(&self, answer: v1::OperateResponse) -> Result<()> {
        match answer.outcome {
            Some(Outcome::Error(error)) => {
                let code = error.detail.as_option().map(|detail| detail.code);
                let limited =
                    code.is_some_and(|code| code == v1::ErrorCode::ERROR_CODE_RATE_LIMITED);
                ensure!(self.hostile && limited, "refused: {}", error.message);
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            Some(_) => {
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            None => bail!("an answer without outcome"),
        }
        Ok(())
    }
}

/// One call by itself: what its answer holds.
pub(crate) async fn single(
    connection: &mut Connection,
    call: &Call,
    path: &str,
    body: Bytes,
) -> Result<Bytes> {
    let (status, answer) = exchange(connection, call, path, body).await?;
    ensure!(status == StatusCode::OK, "{status}: {answer:?}");
    Ok(answer)
}

async fn exchange(
    connection: &mut Connection,
    call: &Call,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Bytes)> {
    let body = Either::Left(Full::new(body));
    let request = wire::request(path, "application/proto", &call.authorization, body)?;
    let response = connection.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// Connects, and starts to call.
pub(crate) async fn start(
    target: &wire::Target,
    shape: Shape,
    call: &Call,
    load: &Arc<Load>,
) -> Result<Vec<JoinHandle<Result<()>>>> {
    let mut workers = Vec::new();
    for _ in 0..shape.connections {
        let connection = target.connect().await?;
        let workers_of_one = match shape.way {
            Way::Unary => shape.in_flight,
            Way::Stream | Way::Batch => 1,
        };
        for _ in 0..workers_of_one {
            let worker = Worker {
                connection: connection.clone(),
                call: call.clone(),
                progress: load.clone(),
            };
            workers.push(tokio::spawn(worker.work(shape)));
        }
    }
    Ok(workers)
}

/// Drives the vault for `span`, after a tenth of it as a warm-up.
pub(super) async fn measure(
    vault: &VaultProcess,
    process: u32,
    shape: Shape,
    call: &Call,
    span: Duration,
) -> Result<Measured> {
    let progress = Arc::new(Load::default());
    let target = wire::Target::of(vault)?;
    let workers = start(&target, shape, call, &progress).await?;
    tokio::time::sleep(span / 10).await;
    let measured = watch(&progress, process, span).await;
    progress.stop();
    for worker in workers {
        worker.await??;
    }
    measured
}

async fn watch(progress: &Load, process: u32, span: Duration) -> Result<Measured> {
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
    progress: Arc<Load>,
}

impl Worker {
    async fn work(mut self, shape: Shape) -> Result<()> {
        match shape.way {
            Way::Unary => {
                while self.progress.goes_on() {
                    self.unary().await?;
                }
                Ok(())
            }
            Way::Batch => {
                let body = self.call.batch(shape.in_flight)?;
                while self.progress.goes_on() {
                    let path = "CryptoService/Batch";
                    let answer = single(&mut self.connection, &self.call, path, body.clone());
                    let answer = answer.await?;
                    let answer = v1::BatchResponse::decode_from_slice(&answer)?;
                    ensure!(
                        answer.outcomes.len() == shape.in_flight,
                        "not all were answered"
                    );
                    let mut outcomes = answer.outcomes.into_iter();
                    outcomes.try_for_each(|outcome| self.progress.count(outcome))?;
                }
                Ok(())
            }
            Way::Stream => self.stream(shape.in_flight).await,
        }
    }

    async fn unary(&mut self) -> Result<()> {
        let (call, load) = (&self.call, &self.progress);
        let body = call.single.clone();
        let (status, answer) = exchange(&mut self.connection, call, call.path, body).await?;
        let limited = load.hostile && status == StatusCode::TOO_MANY_REQUESTS;
        ensure!(status == StatusCode::OK || limited, "{status}: {answer:?}");
        let counter = if limited { &load.refused } else { &load.done };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(())
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
                self.progress.count(answers.next().await?)?;
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
