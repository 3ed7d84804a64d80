//! Everything that a run consists of, and the single events that can happen to it.

use crate::sim::client::Client;
use crate::sim::clock::SimClock;
use crate::sim::invariants::{Violation, after_every_change, after_every_event};
use crate::sim::machine::{Machine, Owned};
use crate::sim::memory::Memory;
use crate::sim::network::{Answered, Asked, Network};
use crate::sim::people::Person;
use crate::sim::rng::SimRng;
use crate::sim::run::Plan;
use crate::sim::trace::Trace;
use std::collections::VecDeque;
use vault_core::api::KeyState;
use vault_core::{Answer, Authorized, Group, Operated, Pending, Refusal, Reply};
use vault_encoding::{Hash, merkle};
use vault_policy::{UnixSeconds, VaultId};
use vault_store::Files;
use vault_store::faulty::{Faults, SimulatedDisk};

/// A call inside the vault.
pub(crate) struct InFlight {
    client: usize,
    number: u64,
    stage: Stage,
}

enum Stage {
    Judged(Box<Authorized>),
    Done(Box<Operated>),
    Waiting(Box<Pending>),
}

pub(crate) struct World {
    pub(crate) rng: SimRng,
    pub(crate) trace: Trace,
    pub(crate) memory: Memory,
    pub(crate) plan: Plan,
    owned: Owned,
    disk: SimulatedDisk,
    clock: SimClock,
    machine: Option<Machine>,
    network: Network,
    clients: Vec<Client>,
    calls: Vec<InFlight>,
    taken: VecDeque<Group>,
    /// Head of the log before the event at hand.
    before: (u64, Hash),
    /// Keys and tombstones when the log was last compared with them.
    compared: (usize, usize),
}

type Happened = Result<(), Violation>;

impl World {
    pub(crate) fn new(seed: u64, plan: Plan) -> Result<Self, Violation> {
        let mut rng = SimRng::new(seed);
        let owned = Owned::new(&mut rng).ok_or_else(|| Violation::of("setup", "identity"))?;
        let vault_id = VaultId(owned.log_key().vault_id());
        Ok(Self {
            rng,
            trace: Trace::default(),
            memory: Memory::default(),
            plan,
            owned,
            disk: SimulatedDisk::new(),
            clock: SimClock::default(),
            machine: None,
            network: Network::default(),
            clients: Person::ALL
                .map(|person| Client::new(person, vault_id))
                .into(),
            calls: Vec::new(),
            taken: VecDeque::new(),
            before: (0, merkle::empty_root()),
            compared: (0, 0),
        })
    }

    /// Starts the vault on what is on the disk.
    pub(crate) fn boot(&mut self) -> Happened {
        self.disk.set_faults(Faults {
            ignore_sync: !self.plan.sync,
            ..Faults::default()
        });
        let now = self.clock.read();
        let machine = Machine::boot(&self.owned, &self.disk, now, &mut self.rng)
            .map_err(|fault| Violation::of("the_vault_starts_after_every_crash", fault))?;
        self.before = self.memory.head.unwrap_or((0, merkle::empty_root()));
        self.machine = Some(machine);
        self.happened("boot")?;
        self.compare()
    }

    /// The process dies, and mostly power fails with it: then what was not synced survives as the
    /// seed says. Without power failing, it is all still there to be read, and not durable.
    pub(crate) fn crash(&mut self, disk_failed: bool) -> Happened {
        self.compare()?;
        self.machine = None;
        self.calls.clear();
        self.taken.clear();
        if self.rng.one_in(2) {
            self.network.cut();
        }
        self.trace.crashes += 1;
        let powered = self.disk.clone().list().is_ok();
        let usable = !disk_failed || self.plan.restart_after_disk_errors;
        if powered && usable && self.rng.one_in(4) {
            self.trace.push("kill".into(), None);
            return Ok(());
        }
        self.disk = self.disk.crash(self.rng.draw());
        self.trace.push("crash".into(), None);
        Ok(())
    }

    /// One event. `Ok(false)` if the vault died of it.
    pub(crate) fn step(&mut self) -> Result<bool, Violation> {
        match self.rng.below(100) {
            0..20 => self.send()?,
            20..40 => self.arrive()?,
            40..64 => self.proceed()?,
            64..70 => self.take_group()?,
            70..82 => return self.commit(),
            82..94 => self.answer()?,
            94..97 => self.time()?,
            97..98 => self.raise_floor()?,
            98..99 => return self.snapshot(),
            _ => self.network.cut(),
        }
        Ok(true)
    }

    fn send(&mut self) -> Happened {
        let index = self.rng.index(self.clients.len());
        if let Some(client) = self.clients.get_mut(index)
            && let Some(asked) = client.send(index, &self.memory, &mut self.rng)
        {
            self.network.ask(asked);
        }
        Ok(())
    }

    fn arrive(&mut self) -> Happened {
        let Some(asked) = self.network.arrive(&mut self.rng) else {
            return Ok(());
        };
        let Asked {
            client,
            number,
            request,
            context,
        } = asked;
        let (Some(machine), Some(sender)) = (&self.machine, self.clients.get(client)) else {
            return Ok(());
        };
        let person = sender.person();
        let caller = person
            .caller()
            .ok_or_else(|| Violation::of("setup", "caller"))?;
        let judged = machine
            .vault
            .authorize(&caller, request, &context, self.clock.read());
        let verdict = if judged.is_refused() {
            "refused"
        } else {
            "allowed"
        };
        self.calls.push(InFlight {
            client,
            number,
            stage: Stage::Judged(Box::new(judged)),
        });
        self.happened(&format!("{person:?} {number} {verdict}"))
    }

    /// One call goes one stage further.
    fn proceed(&mut self) -> Happened {
        let open: Vec<usize> = (0..self.calls.len())
            .filter(|&index| {
                self.calls
                    .get(index)
                    .is_some_and(|call| !matches!(call.stage, Stage::Waiting(_)))
            })
            .collect();
        let (Some(&index), Some(machine)) = (self.rng.pick(&open), &mut self.machine) else {
            return Ok(());
        };
        let InFlight {
            client,
            number,
            stage,
        } = self.calls.swap_remove(index);
        let stage = match stage {
            Stage::Judged(judged) => Stage::Done(Box::new(judged.operate(&mut self.rng))),
            Stage::Done(done) => Stage::Waiting(Box::new(machine.vault.record(*done))),
            waiting @ Stage::Waiting(_) => waiting,
        };
        let recorded = matches!(stage, Stage::Waiting(_));
        self.calls.push(InFlight {
            client,
            number,
            stage,
        });
        if recorded {
            self.happened(&format!("record {client}/{number}"))?;
            return self.changed();
        }
        Ok(())
    }

    fn take_group(&mut self) -> Happened {
        let Some(machine) = &mut self.machine else {
            return Ok(());
        };
        if let Some(group) = machine.vault.take_group() {
            let what = format!("group {} of {}", group.sequence(), group.records());
            self.taken.push_back(group);
            return self.happened(&what);
        }
        Ok(())
    }

    /// The oldest taken group becomes durable, or the machine dies of it.
    fn commit(&mut self) -> Result<bool, Violation> {
        let (Some(machine), Some(group)) = (&mut self.machine, self.taken.pop_front()) else {
            self.release()?;
            return Ok(true);
        };
        self.disk.set_faults(faults(&self.plan, &mut self.rng));
        let what = format!("commit {}", group.sequence());
        if machine.commit(group).is_err() {
            self.trace.push(format!("{what} failed"), None);
            return Ok(false);
        }
        self.memory.floor = self
            .memory
            .floor
            .max(durable_floor(machine, self.memory.floor));
        self.happened(&what)?;
        self.release()?;
        Ok(true)
    }

    /// Sends every answer that the log covers.
    fn release(&mut self) -> Happened {
        let Some(durable) = self
            .machine
            .as_ref()
            .and_then(|machine| machine.vault.durable())
        else {
            return Ok(());
        };
        let durable = durable.clone();
        let mut kept = Vec::new();
        for call in std::mem::take(&mut self.calls) {
            let InFlight {
                client,
                number,
                stage,
            } = call;
            let Stage::Waiting(pending) = stage else {
                kept.push(InFlight {
                    client,
                    number,
                    stage,
                });
                continue;
            };
            match pending.release(&durable) {
                Ok(outcome) => self.network.answer(Answered {
                    client,
                    number,
                    outcome: self.read_back(outcome)?,
                }),
                Err(pending)
                    if pending
                        .awaits()
                        .is_some_and(|group| group < durable.sequence()) =>
                {
                    return Err(Violation::of("every_answer_is_released", number));
                }
                Err(pending) => {
                    let stage = Stage::Waiting(Box::new(pending));
                    kept.push(InFlight {
                        client,
                        number,
                        stage,
                    });
                }
            }
        }
        self.calls = kept;
        Ok(())
    }

    /// Leaves that are not in memory are read before they are sent.
    fn read_back(
        &self,
        outcome: Result<Reply, Refusal>,
    ) -> Result<Result<Reply, Refusal>, Violation> {
        let (Ok(reply), Some(machine)) = (&outcome, &self.machine) else {
            return Ok(outcome);
        };
        let Answer::ReadArchive(archived) = &reply.answer else {
            return Ok(outcome);
        };
        let lost = |lost| Violation::of("no_acknowledged_operation_is_lost", lost);
        let leaves = machine.open(archived).map_err(lost)?;
        Ok(Ok(Reply {
            receipt: reply.receipt.clone(),
            answer: Answer::ReadLog { leaves },
        }))
    }

    fn answer(&mut self) -> Happened {
        let Some(answered) = self.network.return_one(&mut self.rng) else {
            return Ok(());
        };
        let what = format!("answer {}/{}", answered.client, answered.number);
        let key = self.owned.log_key();
        if let Some(client) = self.clients.get_mut(answered.client)
            && client.receive(answered, &mut self.memory, key)?
        {
            self.trace.acknowledged += 1;
            self.trace.fetched = self.memory.fetched;
            self.trace.changed = self.memory.changed;
        }
        self.happened(&what)
    }

    fn time(&mut self) -> Happened {
        let what = self.clock.step(&mut self.rng);
        if let Some(machine) = &mut self.machine {
            let (now, running) = (self.clock.read(), self.clock.running());
            machine.vault.tick(now, running, &mut self.rng);
        }
        self.happened(what)
    }

    fn raise_floor(&mut self) -> Happened {
        let issued = self.clock.seconds().saturating_sub(self.rng.below(2000));
        let evidence = crate::sim::people::evidence(UnixSeconds(issued));
        if let Some(machine) = &mut self.machine {
            machine.vault.observe_evidence(&evidence, &mut self.rng);
        }
        self.happened("evidence")
    }

    fn snapshot(&mut self) -> Result<bool, Violation> {
        let Some(machine) = &mut self.machine else {
            return Ok(true);
        };
        if !self.taken.is_empty() {
            return Ok(true);
        }
        self.disk
            .set_faults(snapshot_faults(&self.plan, &mut self.rng));
        match machine.snapshot(&mut self.rng) {
            Ok(_) => self.happened("snapshot").map(|()| true),
            Err(_) => {
                self.trace.push("snapshot failed".into(), None);
                Ok(false)
            }
        }
    }

    fn happened(&mut self, what: &str) -> Happened {
        let Some(machine) = &self.machine else {
            self.trace.push(what.into(), None);
            return Ok(());
        };
        let vault = &machine.vault;
        let state = self.plan.digests.then(|| vault.state_digest());
        self.trace.push(what.into(), state);
        after_every_event(vault, &self.memory, self.before)?;
        self.before = (
            vault.size(),
            vault.root_at(vault.size()).unwrap_or_default(),
        );
        Ok(())
    }

    /// Compares keys and log, if there is another key or another tombstone than before.
    fn changed(&mut self) -> Happened {
        let Some(machine) = &self.machine else {
            return Ok(());
        };
        let census = machine.vault.census();
        let gone = census
            .iter()
            .filter(|(_, state)| *state == KeyState::Destroyed)
            .count();
        if (census.len(), gone) == self.compared {
            return Ok(());
        }
        self.compared = (census.len(), gone);
        after_every_change(machine, &self.memory)
    }

    /// Compares keys and log in any case.
    fn compare(&self) -> Happened {
        match &self.machine {
            Some(machine) => after_every_change(machine, &self.memory),
            None => Ok(()),
        }
    }

    /// The state folded from all groups, and the state read from snapshot and groups, are one.
    pub(crate) fn snapshot_equals_fold(&mut self) -> Happened {
        let now = self.clock.read();
        let rng = SimRng::new(self.rng.draw());
        let copy = || self.disk.copy();
        let fault = |fault| Violation::of("the_vault_starts_after_every_crash", fault);
        let with = Machine::boot(&self.owned, &copy(), now, &mut rng.clone()).map_err(fault)?;
        self.trace.removed = with.first_group();
        self.trace.archived = with.vault.archived(0).is_some() && with.leaf(0).is_some();
        if self.trace.removed > 0 {
            return Ok(());
        }
        let without =
            Machine::boot_from_log(&self.owned, &copy(), now, &mut rng.clone()).map_err(fault)?;
        if with.vault.state_digest() == without.vault.state_digest() {
            return Ok(());
        }
        Err(Violation::of(
            "a_snapshot_is_the_fold_of_its_groups",
            "digests differ",
        ))
    }
}

/// Now and then the disk fails in the middle of a commit.
fn faults(plan: &Plan, rng: &mut SimRng) -> Faults {
    let mut faults = Faults {
        ignore_sync: !plan.sync,
        ..Faults::default()
    };
    match rng.below(60) {
        0 => faults.cut_power = Some(1 + rng.below(3)),
        1 => faults.fail_sync = Some(1),
        2 => faults.fail_write = Some(1),
        _ => {}
    }
    faults
}

/// A snapshot makes many calls, and any of them may be the last.
fn snapshot_faults(plan: &Plan, rng: &mut SimRng) -> Faults {
    let mut faults = Faults {
        ignore_sync: !plan.sync,
        ..Faults::default()
    };
    match rng.below(8) {
        0 => faults.cut_power = Some(1 + rng.below(24)),
        1 => faults.fail_sync = Some(1 + rng.below(8)),
        2 => faults.fail_write = Some(1 + rng.below(4)),
        _ => {}
    }
    faults
}

/// The floor that is durable: that of the state, once nothing is queued or on its way.
fn durable_floor(machine: &Machine, known: UnixSeconds) -> UnixSeconds {
    let durable = machine
        .vault
        .durable()
        .map(|committed| committed.head().size);
    if durable == Some(machine.vault.size()) {
        machine.vault.floor()
    } else {
        known
    }
}
