//! T-CRASH (a) of a whole vault, complete for one short history: power fails before every call of the disk, and every
//! state that this can leave is started. Keys and log are those of one moment, which is the last acknowledged one or that of
//! the call under way: no effect without its entry, and no entry without its effect.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use vault_core::api::{CreateKey, KeyRef, KeyState, ScheduleDeletion};
use vault_core::{CallContext, Request, TimeReading};
use vault_policy::{KeyHandle, KeyType, Lineage, UnixSeconds};
use vault_store::faulty::{Faults, SimulatedDisk, Tearing};
use vault_test::sim::{Machine, Owned, Person, SimRng};

const NOW: TimeReading = TimeReading::Host(UnixSeconds(1_800_000_000));
/// Of states of one file; the history leaves far fewer.
const MOST: usize = 1 << 14;

#[derive(Clone, Copy)]
enum Step {
    Create(u8),
    Destroy(u8),
    Snapshot,
}

const HISTORY: [Step; 7] = [
    Step::Create(1),
    Step::Create(2),
    Step::Snapshot,
    Step::Destroy(1),
    Step::Create(3),
    Step::Snapshot,
    Step::Create(4),
];

/// What a vault is at one moment.
#[derive(PartialEq, Debug)]
struct Moment {
    size: u64,
    root: Option<vault_encoding::Hash>,
    keys: Vec<(Lineage, KeyState)>,
}

impl Moment {
    fn of(machine: &Machine, size: u64) -> Self {
        Self {
            size,
            root: machine.vault.root_at(size),
            keys: machine.vault.census(),
        }
    }
}

fn request(step: Step) -> Option<Request> {
    match step {
        Step::Create(number) => Some(Request::CreateKey(CreateKey {
            handle: KeyHandle([number; 16]),
            key_type: KeyType::HmacSha256,
            name: String::new(),
            policy: Person::Alice
                .policy(KeyType::HmacSha256)
                .unwrap()
                .canonical_bytes()
                .to_vec(),
            labels: Vec::new(),
            share: None,
        })),
        Step::Destroy(number) => Some(Request::ScheduleDeletion(ScheduleDeletion {
            key: KeyRef {
                handle: KeyHandle([number; 16]),
                lineage: None,
            },
            window: 0,
        })),
        Step::Snapshot => None,
    }
}

/// The moments of a history until power fails, the empty vault first.
fn live(owned: &Owned, disk: &SimulatedDisk) -> (Vec<Moment>, bool) {
    let mut rng = SimRng::new(3);
    let mut moments = Vec::new();
    let Ok(mut machine) = Machine::boot(owned, disk, NOW, &mut rng) else {
        return (moments, false);
    };
    moments.push(Moment::of(&machine, 0));
    if machine.flush().is_err() {
        return (moments, false);
    }
    moments.push(Moment::of(&machine, machine.vault.size()));
    for step in HISTORY {
        let done = match request(step) {
            None => machine.snapshot(&mut rng).map(|made| assert!(made)),
            Some(request) => {
                let caller = Person::Alice.caller().unwrap();
                let context = CallContext::default();
                let judged = machine.vault.authorize(&caller, request, &context, NOW);
                let pending = machine.vault.record(judged.operate(&mut rng));
                assert!(pending.awaits().is_some(), "it is logged");
                machine.flush()
            }
        };
        if done.is_err() {
            return (moments, false);
        }
        moments.push(Moment::of(&machine, machine.vault.size()));
    }
    (moments, true)
}

fn digest(disk: &SimulatedDisk) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in disk.names() {
        (&name, disk.contents(&name)).hash(&mut hasher);
    }
    hasher.finish()
}

/// Starts every state that power failing before each call leaves; gives crash points and states, or what broke.
fn every_crash(faults: Faults) -> Result<(u64, usize), String> {
    let owned = Owned::new(&mut SimRng::new(1)).unwrap();
    let (moments, whole) = live(&owned, &SimulatedDisk::new());
    assert!(whole && moments.len() == HISTORY.len() + 2);
    let mut states = 0;
    for cut in 1.. {
        let disk = SimulatedDisk::new();
        disk.set_faults(Faults {
            cut_power: Some(cut),
            ..faults
        });
        let (done, survived) = live(&owned, &disk);
        let mut seen = HashSet::new();
        for left in disk.survivors(Tearing::Whole, MOST).unwrap() {
            if !seen.insert(digest(&left)) {
                continue;
            }
            states += 1;
            let booted = Machine::boot(&owned, &left, NOW, &mut SimRng::new(cut))
                .map_err(|error| format!("call {cut}: {error}"))?;
            // The boot entry of this start is queued behind it.
            let found = Moment::of(&booted, booted.vault.size() - 1);
            let acknowledged = done.len().saturating_sub(1);
            let allowed = &moments[acknowledged..moments.len().min(acknowledged + 2)];
            if !allowed.contains(&found) {
                return Err(format!("call {cut}: {} entries, {found:?}", found.size));
            }
        }
        if survived {
            return Ok((cut, states));
        }
    }
    unreachable!()
}

#[test]
fn keys_and_log_are_of_one_moment_after_every_crash_of_a_short_history() {
    for ignore_sync_names in [false, true] {
        let (points, states) = every_crash(Faults {
            ignore_sync_names,
            ..Faults::default()
        })
        .unwrap();
        println!("T-CRASH (a), a vault: {states} states after {points} crash points");
        assert!(points > 30 && states > 500, "{points} {states}");
    }
}

#[test]
fn the_same_suite_fails_without_syncs_and_with_syncs_before_writes() {
    let without = Faults {
        ignore_sync: true,
        ..Faults::default()
    };
    let before = Faults {
        sync_before_write: true,
        ..Faults::default()
    };
    for faults in [without, before] {
        let found = every_crash(faults).unwrap_err();
        println!("{found}");
    }
}
