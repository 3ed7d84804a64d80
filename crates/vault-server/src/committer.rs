//! The one thread that makes groups durable. A call waits for its group's [`Committed`]; when the
//! log cannot be made durable, the process ends.

use crate::clock::SystemRng;
use crate::log::{NO_SPACE, StoreLog};
use crate::shelf::{Made, Shelf};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use vault_core::{
    CommitFault, Committed, DurableLog, Group, Position, SnapshotView, TimeReading, Vault, commit,
};
use vault_encoding::Hash;

/// A group is taken when this many records wait,
const FULL: usize = 64;
/// or this long after the oldest of them, if the thread was busy when it came;
const WINDOW: Duration = Duration::from_micros(500);
/// and now and then the vault is asked whether it has something to say by itself.
const TICK: Duration = Duration::from_secs(10);
/// While the disk is full, it is asked as often as this.
const FULL_TICK: Duration = Duration::from_secs(1);

/// What is waited for.
#[derive(Default)]
struct Queue {
    waiting: BTreeMap<u64, Vec<oneshot::Sender<Committed>>>,
    records: usize,
    oldest: Option<Instant>,
    /// Whether the thread sleeps until something comes.
    idle: bool,
    /// Whether a snapshot was made and is to be stored.
    made: bool,
    stopping: bool,
}

impl Queue {
    fn is_quiet(&self) -> bool {
        self.records == 0 && !self.stopping && !self.made
    }
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// There is no space for groups to come.
    full: AtomicBool,
}

impl Shared {
    fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more work is taken; waits until it is worth another look. An end does not wait.
    fn wait_for_space(&self) -> Result<(), CommitFault> {
        if !self.full.swap(true, Ordering::Relaxed) {
            tracing::error!("the disk is full: calls wait, and those to come are refused");
        }
        let (queue, _) = self
            .changed
            .wait_timeout_while(self.lock(), FULL_TICK, |queue| !queue.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        match queue.stopping {
            true => Err(NO_SPACE),
            false => Ok(()),
        }
    }
}

/// The log, with patience for a group that is longer than the room that was left for it.
struct Patient<'a> {
    log: &'a mut StoreLog,
    shared: &'a Shared,
}

impl DurableLog for Patient<'_> {
    fn append(&mut self, at: &Position, payload: &[u8]) -> Result<(), CommitFault> {
        let mut written = self.log.try_append(at, payload)?;
        while !written {
            self.shared.wait_for_space()?;
            written = self.log.append_again()?;
        }
        Ok(())
    }
}

/// A handle of the thread.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread works on.
struct Work {
    vault: Arc<RwLock<Vault>>,
    log: StoreLog,
    now: Box<dyn Fn() -> TimeReading + Send>,
    since: Instant,
    snapshot_every: u64,
    shelf: Arc<Shelf>,
    /// The thread that makes a snapshot.
    making: Option<JoinHandle<Result<Option<Made>, CommitFault>>>,
}

impl Committer {
    pub(crate) fn start(
        vault: Arc<RwLock<Vault>>,
        log: StoreLog,
        now: Box<dyn Fn() -> TimeReading + Send>,
        snapshot_every: u64,
        shelf: Arc<Shelf>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            full: AtomicBool::new(false),
        });
        let theirs = shared.clone();
        let mut work = Work {
            vault,
            log,
            now,
            since: Instant::now(),
            snapshot_every,
            shelf,
            making: None,
        };
        let thread = std::thread::Builder::new()
            .name("committer".into())
            .spawn(move || {
                if let Err(CommitFault(reason)) = work.run(&theirs) {
                    crate::stop::abort(reason);
                }
            })?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Whether calls that would be logged are to be refused. Those in flight still have room.
    pub(crate) fn is_full(&self) -> bool {
        self.shared.is_full()
    }

    /// Waits for a group. INVARIANT: called while the vault is still locked by whoever recorded
    /// into that group, so that the group cannot be settled before.
    pub(crate) fn register(&self, sequence: u64) -> oneshot::Receiver<Committed> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.shared.lock();
        queue.waiting.entry(sequence).or_default().push(sender);
        self.count(queue);
        receiver
    }

    /// One more record of a group for which its caller waits already. INVARIANT: as `register`.
    pub(crate) fn join(&self) {
        self.count(self.shared.lock());
    }

    fn count(&self, mut queue: MutexGuard<'_, Queue>) {
        queue.records += 1;
        queue.oldest.get_or_insert_with(Instant::now);
        let wake = queue.idle || queue.records == FULL;
        drop(queue);
        if wake {
            self.shared.changed.notify_one();
        }
    }

    /// Commits what is there, and ends the thread.
    pub(crate) fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_one();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            crate::stop::abort("the committer ended early");
        }
    }
}

impl Work {
    fn run(&mut self, shared: &Arc<Shared>) -> Result<(), CommitFault> {
        loop {
            let Woken { last, made } = wait(shared);
            if !shared.is_full() {
                self.tick();
            }
            self.commit_all(shared, last)?;
            if made || last {
                self.store_snapshot(shared)?;
            }
            self.look_for_room(shared)?;
            if last {
                return Ok(());
            }
        }
    }

    fn look_for_room(&mut self, shared: &Shared) -> Result<(), CommitFault> {
        let full = !self.log.make_room()?;
        match (shared.full.swap(full, Ordering::Relaxed), full) {
            (false, true) => tracing::error!("the disk is full: calls that are logged are refused"),
            (true, false) => tracing::info!("the disk has space again"),
            _ => {}
        }
        Ok(())
    }

    fn tick(&self) {
        let now = (self.now)();
        write(&self.vault).tick(now, self.since.elapsed(), &mut SystemRng);
    }

    fn commit_all(&mut self, shared: &Arc<Shared>, last: bool) -> Result<(), CommitFault> {
        let (group, view) = self.take(shared, last);
        if let Some(group) = group {
            self.make_durable(group, shared)?;
        }
        match view {
            Some(view) => self.make_snapshot(view, shared),
            None => Ok(()),
        }
    }

    fn take(&mut self, shared: &Shared, last: bool) -> (Option<Group>, Option<SnapshotView>) {
        let held = self.vault.clone();
        let mut vault = write(&held);
        let group = vault.take_group();
        let mut queue = shared.lock();
        queue.records = 0;
        queue.oldest = None;
        drop(queue);
        let view = match group.is_some() || last {
            true => self.due_snapshot(&vault, last),
            false => None,
        };
        (group, view)
    }

    /// The state behind the group that was just taken, if a snapshot is due.
    fn due_snapshot(&mut self, vault: &Vault, last: bool) -> Option<SnapshotView> {
        if self.making.is_some() {
            return None;
        }
        let size = vault.durable()?.head().size;
        if !self.log.due().is_due(size, self.snapshot_every, last) {
            return None;
        }
        self.log.due().taken(size);
        vault.view()
    }

    /// Groups go on while another thread archives, encodes, seals and writes.
    fn make_snapshot(
        &mut self,
        view: SnapshotView,
        shared: &Arc<Shared>,
    ) -> Result<(), CommitFault> {
        let sealer = self.log.snapshot_sealer(&view.at())?;
        let (shelf, shared) = (self.shelf.clone(), shared.clone());
        let thread = std::thread::Builder::new()
            .name("snapshot".into())
            .spawn(move || {
                let made = shelf.make(&view, &sealer);
                drop(view);
                shared.lock().made = true;
                shared.changed.notify_one();
                made
            });
        match thread {
            Ok(thread) => self.making = Some(thread),
            Err(error) => tracing::warn!(%error, "no thread for a snapshot; the old one stays"),
        }
        Ok(())
    }

    /// Stores the snapshot that was made, if there is one: first its entry, then its name; then memory and
    /// disk let go of what it stands for.
    fn store_snapshot(&mut self, shared: &Shared) -> Result<(), CommitFault> {
        let Some(making) = self.making.take() else {
            return Ok(());
        };
        let ended = making.join();
        shared.lock().made = false;
        let made = ended.map_err(|_| CommitFault("a snapshot ended early"))?;
        let Some(made) = made? else { return Ok(()) };
        let group = {
            let mut vault = write(&self.vault);
            vault.commit_to_snapshot(Hash(made.sealed.hash()), &made.at, &mut SystemRng);
            vault.take_group()
        };
        if let Some(group) = group {
            self.make_durable(group, shared)?;
        }
        if !self.log.place_snapshot(&made.at, &made.sealed)? {
            return Ok(());
        }
        self.log.due().stored(made.sealed.len());
        write(&self.vault).forget_leaves(made.archived);
        tracing::info!(group = made.at.sequence, "snapshot stored");
        Ok(())
    }

    fn make_durable(&mut self, group: Group, shared: &Shared) -> Result<(), CommitFault> {
        let log = &mut self.log;
        let committed = commit(group, &mut Patient { log, shared })?;
        write(&self.vault).settle(&committed);
        release(shared, &committed);
        Ok(())
    }
}

/// Why the thread woke up, besides records.
struct Woken {
    /// Nothing comes behind this.
    last: bool,
    /// A snapshot was made.
    made: bool,
}

/// Sleeps until a group should be taken.
fn wait(shared: &Shared) -> Woken {
    let tick = if shared.is_full() { FULL_TICK } else { TICK };
    let mut queue = shared.lock();
    if queue.is_quiet() {
        queue.idle = true;
        let (woken, _) = shared
            .changed
            .wait_timeout_while(queue, tick, |queue| queue.is_quiet())
            .unwrap_or_else(PoisonError::into_inner);
        queue = woken;
        queue.idle = false;
        return Woken::of(&queue);
    }
    let left = queue.oldest.map_or(Duration::ZERO, |oldest| {
        WINDOW.saturating_sub(oldest.elapsed())
    });
    if !left.is_zero() {
        let (woken, _) = shared
            .changed
            .wait_timeout_while(queue, left, |queue| queue.records < FULL && !queue.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        queue = woken;
    }
    Woken::of(&queue)
}

impl Woken {
    fn of(queue: &Queue) -> Self {
        Self {
            last: queue.stopping,
            made: queue.made,
        }
    }
}

fn release(shared: &Shared, committed: &Committed) {
    let mut queue = shared.lock();
    let later = queue.waiting.split_off(&(committed.sequence() + 1));
    let covered = std::mem::replace(&mut queue.waiting, later);
    drop(queue);
    for waiting in covered.into_values().flatten() {
        // Whoever hung up has its effect all the same.
        let _ = waiting.send(committed.clone());
    }
}

fn write(vault: &RwLock<Vault>) -> std::sync::RwLockWriteGuard<'_, Vault> {
    vault.write().unwrap_or_else(PoisonError::into_inner)
}
