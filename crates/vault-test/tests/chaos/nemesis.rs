//! What happens to the vaults: rounds of faults from one seed, each undone before the next.

use crate::VAULTS;
use crate::model::{Model, State};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::block_in_place;
use tokio::time::sleep;
use vault_test::constellation::TestConstellation;
use vault_test::proxy::{Mode, Proxy};
use vault_test::sim::SimRng;

/// How long a vault may take to be itself again, or connections to be seen as cut.
const SETTLE: Duration = Duration::from_millis(700);

/// What can happen to one vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// `kill -9`, and a new start.
    Kill,
    /// SIGSTOP and SIGCONT.
    Pause,
    /// Connections are refused, and those that stand are cut.
    Refuse,
    /// What it answers does not arrive.
    HalfOpen,
    /// Some connections are cut at some byte, some are slow.
    Cuts,
    /// Everything takes longer.
    Slow(Mode),
}

/// Of [`Fault`], in order.
const KINDS: usize = 6;
const KILL: usize = 0;
const REFUSE: usize = 2;

impl Fault {
    fn drawn(kind: usize, rng: &mut SimRng) -> Self {
        match kind {
            KILL => Self::Kill,
            1 => Self::Pause,
            REFUSE => Self::Refuse,
            3 => Self::HalfOpen,
            4 => Self::Cuts,
            _ if rng.one_in(2) => Self::Slow(Mode::Delay(Duration::from_millis(1 + rng.below(25)))),
            _ => Self::Slow(Mode::Trickle {
                bytes: 512 + rng.index(1024),
                every: Duration::from_millis(1),
            }),
        }
    }

    /// What the model holds of a vault with this fault.
    fn state(self) -> State {
        match self {
            Self::Kill | Self::Pause | Self::Refuse | Self::HalfOpen => State::Down,
            Self::Cuts => State::Unsure,
            Self::Slow(_) => State::Up,
        }
    }
}

/// Faults of several vaults at once, and how long they last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Round {
    faults: Vec<(usize, Fault)>,
    lasts: Duration,
}

/// Seven rounds: how many vaults they are about, and the kind that the first of these has; `None`
/// where all of them are out of reach at once, so that whoever needs more than are left is told
/// so before the round is over.
const ROUNDS: [(usize, Option<usize>); 7] = [
    (3, None),
    (1, Some(3)),
    (2, Some(1)),
    (3, None),
    (1, Some(4)),
    (VAULTS, Some(5)),
    (2, Some(KILL)),
];

/// One seed, one schedule. Every number of vaults and every kind of fault comes in turn, others
/// beside it.
fn schedule(seed: u64) -> impl Iterator<Item = Round> {
    let mut rng = SimRng::new(seed);
    ROUNDS.into_iter().cycle().map(move |(many, first_kind)| {
        let first = rng.index(VAULTS);
        let fault = |i: usize| {
            let kind = match first_kind {
                Some(kind) if i == 0 => kind,
                Some(_) => rng.index(KINDS),
                None => [KILL, REFUSE][rng.index(2)],
            };
            ((first + i) % VAULTS, Fault::drawn(kind, &mut rng))
        };
        let faults = (0..many).map(fault).collect();
        Round {
            faults,
            lasts: Duration::from_millis(600 + rng.below(1500)),
        }
    })
}

/// Owns the processes.
pub(crate) struct Nemesis {
    constellation: TestConstellation,
    proxies: Arc<Vec<Proxy>>,
    model: Arc<Model>,
    seed: u64,
}

impl Nemesis {
    pub(crate) fn new(
        constellation: TestConstellation,
        proxies: Arc<Vec<Proxy>>,
        model: Arc<Model>,
        seed: u64,
    ) -> Self {
        Self {
            constellation,
            proxies,
            model,
            seed,
        }
    }

    /// Goes on until then. At the end every vault is up.
    pub(crate) async fn rage(mut self, until: Instant) -> (TestConstellation, usize) {
        let mut rounds = 0;
        for round in schedule(self.seed) {
            println!("chaos: round {rounds}: {:?}", round.faults);
            for (vault, fault) in &round.faults {
                self.strike(*vault, *fault);
            }
            sleep(round.lasts).await;
            for (vault, fault) in &round.faults {
                self.heal(*vault, *fault);
            }
            sleep(SETTLE).await;
            for (vault, fault) in &round.faults {
                if fault.state() != State::Up {
                    self.model.set(*vault, State::Up);
                }
            }
            sleep(SETTLE).await;
            rounds += 1;
            if Instant::now() >= until {
                break;
            }
        }
        (self.constellation, rounds)
    }

    fn strike(&mut self, vault: usize, fault: Fault) {
        let proxy = &self.proxies[vault];
        if fault.state() != State::Up {
            self.model.set(vault, State::Unsure);
        }
        match fault {
            Fault::Kill => block_in_place(|| self.constellation.kill(vault)).unwrap(),
            Fault::Pause => self.constellation.pause(vault).unwrap(),
            Fault::Refuse => proxy.set(Mode::Refuse),
            Fault::HalfOpen => proxy.set(Mode::HalfOpen),
            Fault::Cuts => {
                proxy.set(Mode::Seeded);
                proxy.cut();
            }
            Fault::Slow(mode) => proxy.set(mode),
        }
        if fault.state() == State::Down {
            self.model.set(vault, State::Down);
        }
    }

    fn heal(&mut self, vault: usize, fault: Fault) {
        if fault.state() != State::Up {
            self.model.set(vault, State::Unsure);
        }
        match fault {
            Fault::Kill => {
                block_in_place(|| self.constellation.start_vault(vault)).unwrap();
                let ready = self.constellation.vault(vault).unwrap().ready().unwrap();
                self.proxies[vault].redirect(&ready.addr);
            }
            Fault::Pause => self.constellation.resume(vault).unwrap(),
            Fault::Refuse | Fault::HalfOpen | Fault::Cuts | Fault::Slow(_) => {
                self.proxies[vault].set(Mode::Forward);
            }
        }
    }
}

#[test]
fn one_seed_is_one_schedule_with_every_kind_of_fault() {
    let rounds = |seed| schedule(seed).take(7).collect::<Vec<_>>();
    assert_eq!(rounds(1), rounds(1));
    assert_ne!(rounds(1), rounds(2));
    let faults = rounds(1).into_iter().flat_map(|round| round.faults);
    let kinds: Vec<_> = faults.map(|(_, fault)| fault).collect();
    for fault in [
        Fault::Kill,
        Fault::Pause,
        Fault::Refuse,
        Fault::HalfOpen,
        Fault::Cuts,
    ] {
        assert!(kinds.contains(&fault), "{fault:?}");
    }
    assert!(kinds.iter().any(|fault| matches!(fault, Fault::Slow(_))));
}
