//! Snapshots and old disks: a missing or damaged snapshot is rebuilt from the log, and a disk that
//! was rolled back is found out by the next call of a client that saw more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use vault_core::api::{CreateKey, SeenHead};
use vault_core::{Answer, CallContext, Code, Refusal, Reply, Request, Rng, TimeReading};
use vault_policy::{KeyHandle, KeyType, UnixSeconds};
use vault_store::faulty::SimulatedDisk;
use vault_test::sim::{Machine, Owned, Person, SimRng};

const NOW: TimeReading = TimeReading::Host(UnixSeconds(1_800_000_000));

struct Bench {
    owned: Owned,
    disk: SimulatedDisk,
    machine: Machine,
    rng: SimRng,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut rng = SimRng::new(seed);
        let owned = Owned::new(&mut rng).unwrap();
        let disk = SimulatedDisk::new();
        let mut machine = Machine::boot(&owned, &disk, NOW, &mut rng).unwrap();
        machine.flush().unwrap();
        Self {
            owned,
            disk,
            machine,
            rng,
        }
    }

    fn on(&self, disk: &SimulatedDisk) -> Machine {
        Machine::boot(&self.owned, disk, NOW, &mut SimRng::new(9)).unwrap()
    }

    fn create(&mut self) {
        let mut handle = [0; 16];
        self.rng.fill(&mut handle);
        let create = CreateKey {
            handle: KeyHandle(handle),
            key_type: KeyType::HmacSha256,
            name: String::new(),
            policy: Person::Alice
                .policy(KeyType::HmacSha256)
                .unwrap()
                .canonical_bytes()
                .to_vec(),
            labels: Vec::new(),
            share: None,
        };
        let answer = call(&mut self.machine, Request::CreateKey(create), None)
            .unwrap()
            .answer;
        assert!(matches!(answer, Answer::CreateKey(_)));
    }
}

fn call(machine: &mut Machine, request: Request, seen: Option<SeenHead>) -> Result<Reply, Refusal> {
    let caller = Person::Alice.caller().unwrap();
    let context = CallContext {
        seen,
        ..CallContext::default()
    };
    let judged = machine.vault.authorize(&caller, request, &context, NOW);
    let pending = machine.vault.record(judged.operate(&mut SimRng::new(4)));
    machine.flush().unwrap();
    pending
        .release(machine.vault.durable().unwrap())
        .ok()
        .unwrap()
}

fn head(machine: &Machine) -> SeenHead {
    let head = machine.vault.durable().unwrap().head();
    SeenHead {
        vault_id: machine.vault.info().vault_id,
        size: head.size,
        root: head.root,
    }
}

/// A history with a snapshot in its middle.
fn with_snapshot() -> (Bench, Vec<String>) {
    let mut bench = Bench::new(1);
    for _ in 0..5 {
        bench.create();
    }
    let before = bench.disk.names();
    assert!(bench.machine.snapshot(&mut bench.rng).unwrap());
    let after = bench.disk.names();
    let new: Vec<_> = after
        .into_iter()
        .filter(|name| !before.contains(name))
        .collect();
    // Leaves went into the archive first.
    assert_eq!(new, ["leaves-0000000000000000.arc", "snapshot.sealed"]);
    for _ in 0..3 {
        bench.create();
    }
    (bench, vec!["snapshot.sealed".to_owned()])
}

#[test]
fn a_missing_or_damaged_snapshot_is_rebuilt_from_the_log() {
    let (bench, names) = with_snapshot();
    let census = bench.machine.vault.census();
    let root = bench.machine.vault.root_at(bench.machine.vault.size());
    let name = &names[0];
    let good = bench.disk.contents(name).unwrap();
    let check = |disk: &SimulatedDisk| {
        let booted = bench.on(disk);
        assert_eq!(booted.vault.census(), census);
        assert_eq!(booted.vault.root_at(booted.vault.size() - 1), root);
    };
    check(&bench.disk.copy());
    let missing = bench.disk.copy();
    missing.remove(name);
    check(&missing);
    for byte in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[byte] ^= 1 << (byte % 8);
        let disk = bench.disk.copy();
        disk.overwrite(name, &bad);
        check(&disk);
    }
    for length in (0..good.len()).step_by(97) {
        let disk = bench.disk.copy();
        disk.overwrite(name, &good[..length]);
        check(&disk);
    }
}

#[test]
fn an_older_snapshot_of_the_same_log_is_as_good() {
    let (mut bench, names) = with_snapshot();
    let older = bench.disk.contents(&names[0]).unwrap();
    assert!(bench.machine.snapshot(&mut bench.rng).unwrap());
    bench.create();
    let census = bench.machine.vault.census();
    let disk = bench.disk.copy();
    disk.overwrite(&names[0], &older);
    assert_eq!(bench.on(&disk).vault.census(), census);
    assert_eq!(bench.on(&bench.disk.copy()).vault.census(), census);
}

#[test]
fn a_disk_from_the_past_is_found_out_by_the_next_call_with_both_heads() {
    let mut bench = Bench::new(2);
    let mut copies = Vec::new();
    for number in 0..60 {
        copies.push(bench.disk.copy());
        bench.create();
        if number == 30 {
            assert!(bench.machine.snapshot(&mut bench.rng).unwrap());
        }
    }
    let seen = head(&bench.machine);
    assert!(call(&mut bench.machine, Request::WhoAmI, Some(seen)).is_ok());
    for copy in copies {
        let mut past = bench.on(&copy);
        past.flush().unwrap();
        let refusal = call(&mut past, Request::WhoAmI, Some(seen)).err().unwrap();
        assert!([Code::RollbackDetected, Code::ForkDetected].contains(&refusal.code));
        assert_eq!(refusal.seen, Some(seen));
        let ours = refusal.head.unwrap();
        assert_eq!(past.vault.root_at(ours.size), Some(ours.root));
    }
}

#[test]
fn two_clones_of_one_disk_are_a_fork_to_whoever_saw_both() {
    let mut bench = Bench::new(3);
    bench.create();
    let clone = bench.disk.copy();
    bench.create();
    let seen = head(&bench.machine);
    let mut other = bench.on(&clone);
    other.flush().unwrap();
    assert!(head(&other).size >= seen.size);
    let refusal = call(&mut other, Request::WhoAmI, Some(seen)).err().unwrap();
    assert_eq!(refusal.code, Code::ForkDetected);
}
