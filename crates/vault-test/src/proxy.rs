//! A TCP proxy in the way of a client: it delays, trickles, holds back, cuts and refuses. What it
//! does is set while it runs, or drawn from a seed for each connection; one seed is one schedule.

mod gate;
mod mode;

pub use mode::{Mode, schedule};

use gate::{Gate, Way};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Most bytes that are forwarded at once.
const CHUNK: usize = 16 << 10;

/// A proxy. It ends, with its connections, when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    seed: u64,
    upstream: Mutex<String>,
    set: watch::Sender<Setting>,
    accepted: AtomicU64,
}

/// What is in force. `cuts` counts the times that connections were cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Setting {
    mode: Mode,
    cuts: u64,
}

impl Proxy {
    /// Forwards to `upstream`, `host:port`.
    pub async fn start(upstream: impl Into<String>, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (set, _) = watch::channel(Setting {
            mode: Mode::Forward,
            cuts: 0,
        });
        let shared = Arc::new(Shared {
            seed,
            upstream: Mutex::new(upstream.into()),
            set,
            accepted: AtomicU64::new(0),
        });
        Ok(Self {
            address,
            accepting: tokio::spawn(accept(listener, shared.clone())),
            shared,
        })
    }

    /// Where it listens, `host:port`.
    pub fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// From now on, for connections that stand as for new ones; [`Mode::Refuse`] cuts those that
    /// stand.
    pub fn set(&self, mode: Mode) {
        let cut = u64::from(mode == Mode::Refuse);
        self.shared.set.send_modify(|setting| {
            *setting = Setting {
                mode,
                cuts: setting.cuts + cut,
            };
        });
    }

    /// What it does now.
    pub fn mode(&self) -> Mode {
        self.shared.set.borrow().mode
    }

    /// Cuts every connection that stands; new ones are welcome.
    pub fn cut(&self) {
        self.shared.set.send_modify(|setting| setting.cuts += 1);
    }

    /// New connections go there: a server that was started again listens elsewhere.
    pub fn redirect(&self, upstream: impl Into<String>) {
        let mut held = self.shared.upstream();
        *held = upstream.into();
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn upstream(&self) -> std::sync::MutexGuard<'_, String> {
        self.upstream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            Ok((client, _)) = listener.accept() => {
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
                let seed = shared.seed;
                let setting = shared.set.subscribe();
                if setting.borrow().mode != Mode::Refuse {
                    let upstream = shared.upstream().clone();
                    let gates = [Way::Up, Way::Down]
                        .map(|way| Gate::new(setting.clone(), way, seed, number));
                    connections.spawn(connection(client, upstream, setting, gates));
                }
            }
        }
    }
}

async fn connection(
    client: TcpStream,
    upstream: String,
    setting: watch::Receiver<Setting>,
    [up, down]: [Gate; 2],
) {
    let cut = cut(setting);
    let forward = async {
        let server = TcpStream::connect(upstream).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::try_join!(
            pump(from_client, to_server, up),
            pump(from_server, to_client, down)
        )?;
        Ok::<(), io::Error>(())
    };
    // However it ends, both sides are closed. Once it is cut, nothing passes any more, whatever the
    // mode has become since.
    tokio::select! {
        biased;
        () = cut => {}
        _ = forward => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut gate: Gate,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            gate.pass(0).await?;
            return to.shutdown().await;
        }
        let mut rest = chunk.get(..length).unwrap_or_default();
        while !rest.is_empty() {
            let pass = gate.pass(rest.len()).await?;
            let (now, later) = rest.split_at(pass.min(rest.len()));
            to.write_all(now).await?;
            rest = later;
        }
    }
}

/// Ends when the connections that stood at the call are cut.
async fn cut(mut setting: watch::Receiver<Setting>) {
    let before = setting.borrow().cuts;
    // A proxy that is gone has ended its connections.
    let _ = setting.wait_for(|now| now.cuts != before).await;
}

#[cfg(test)]
mod tests;
