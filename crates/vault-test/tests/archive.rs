//! A log that outgrows memory and segments: its old leaves are read from the archive, its state
//! from two snapshots, and nothing is lost wherever a crash comes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use vault_core::api::{CreateKey, KeyRef, Mac};
use vault_core::{Answer, CallContext, Code, Refusal, Request, TimeReading};
use vault_encoding::merkle::{Tree, leaf_hash};
use vault_policy::{KeyHandle, KeyType, UnixSeconds};
use vault_store::faulty::{Faults, SimulatedDisk};
use vault_test::sim::{Machine, Owned, Person, SimRng};

const NOW: TimeReading = TimeReading::Host(UnixSeconds(1_800_000_000));

struct Bench {
    owned: Owned,
    disk: SimulatedDisk,
    machine: Machine,
    rng: SimRng,
}

impl Bench {
    /// A vault with one key.
    fn new(seed: u64) -> Self {
        let mut rng = SimRng::new(seed);
        let owned = Owned::new(&mut rng).unwrap();
        let disk = SimulatedDisk::new();
        let machine = boot(&owned, &disk, &mut rng);
        let mut bench = Self {
            owned,
            disk,
            machine,
            rng,
        };
        let policy = Person::Bob.policy(KeyType::HmacSha256).unwrap();
        let create = Request::CreateKey(CreateKey {
            handle: KeyHandle([1; 16]),
            key_type: KeyType::HmacSha256,
            name: String::new(),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
            share: None,
        });
        call(&mut bench.machine, Person::Bob, create).unwrap();
        bench
    }

    fn restarted(&mut self, disk: SimulatedDisk) {
        self.machine = boot(&self.owned, &disk, &mut self.rng);
        self.disk = disk;
    }

    fn snapshot(&mut self) {
        assert!(self.machine.snapshot(&mut self.rng).unwrap());
    }

    /// Uses the key; gives the tag.
    fn uses(&mut self, times: usize) -> Vec<u8> {
        (0..times).fold(Vec::new(), |_, _| mac(&mut self.machine).unwrap())
    }
}

fn boot(owned: &Owned, disk: &SimulatedDisk, rng: &mut SimRng) -> Machine {
    let mut machine = Machine::boot(owned, disk, NOW, rng).unwrap();
    machine.flush().unwrap();
    machine
}

fn call(machine: &mut Machine, person: Person, request: Request) -> Result<Answer, Refusal> {
    let caller = person.caller().unwrap();
    let context = CallContext::default();
    let judged = machine.vault.authorize(&caller, request, &context, NOW);
    let pending = machine.vault.record(judged.operate(&mut SimRng::new(4)));
    machine.flush().unwrap();
    let reply = pending.release(machine.vault.durable().unwrap());
    reply.ok().unwrap().map(|reply| reply.answer)
}

fn mac(machine: &mut Machine) -> Result<Vec<u8>, Refusal> {
    let mac = Request::Mac(Mac {
        key: KeyRef {
            handle: KeyHandle([1; 16]),
            lineage: None,
        },
        message: b"message".to_vec(),
    });
    match call(machine, Person::Bob, mac)? {
        Answer::Mac { tag, .. } => Ok(tag),
        _ => panic!(),
    }
}

/// One page as an auditor is given it, from memory or from the archive.
fn page(machine: &mut Machine, from: u64) -> Result<Vec<Vec<u8>>, Refusal> {
    let answer = call(machine, Person::Auditor, Request::ReadLog { from, to: 0 })?;
    let leaves = match answer {
        Answer::ReadLog { leaves } => leaves,
        Answer::ReadArchive(archived) => machine.open(&archived)?,
        _ => panic!(),
    };
    Ok(leaves.iter().map(|leaf| leaf.to_vec()).collect())
}

/// The whole log, which has the head that the vault signs.
fn read_all(machine: &mut Machine) -> Vec<Vec<u8>> {
    let head = machine.vault.durable().unwrap().head().clone();
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    while (leaves.len() as u64) < head.size {
        leaves.extend(page(machine, leaves.len() as u64).unwrap());
    }
    let tree = Tree::from_leaves(leaves.iter().map(|leaf| leaf_hash(leaf)));
    assert_eq!(tree.root(), head.root);
    leaves
}

#[test]
fn old_groups_and_old_leaves_leave_the_disk_and_memory_and_the_log_still_reads_from_its_first_leaf()
{
    let mut bench = Bench::new(1);
    let before = bench.uses(30);
    let mut sizes = Vec::new();
    for _ in 0..5 {
        bench.uses(20);
        bench.snapshot();
        let segments = bench.disk.names();
        sizes.push(
            segments
                .iter()
                .filter(|name| name.ends_with(".seg"))
                .count(),
        );
    }
    assert!(bench.machine.first_group() > 60, "old groups are removed");
    assert!(sizes.iter().all(|count| *count <= sizes[0]), "{sizes:?}");
    bench.uses(3);
    let leaves = read_all(&mut bench.machine);
    bench.restarted(bench.disk.copy());
    assert!(bench.machine.vault.leaf(0).is_none(), "no longer in memory");
    assert!(bench.machine.vault.archived(0).is_some());
    let again = read_all(&mut bench.machine);
    assert_eq!(again[..leaves.len()], leaves);
    assert_eq!(bench.uses(1), before);
}

#[test]
fn a_crash_at_any_call_of_archive_snapshot_and_removal_loses_nothing() {
    let (mut crashes, mut completed) = (0, 0);
    for (cut, seed) in (1..48).flat_map(|cut| (0..6).map(move |seed| (cut, seed))) {
        let mut bench = Bench::new(seed);
        let tag = bench.uses(25);
        bench.snapshot();
        bench.uses(25);
        bench.snapshot();
        bench.uses(25);
        let (census, leaves) = (bench.machine.vault.census(), read_all(&mut bench.machine));
        bench.disk.set_faults(Faults {
            cut_power: Some(cut),
            ignore_sync_names: seed % 2 == 1,
            ..Faults::default()
        });
        match bench.machine.snapshot(&mut bench.rng) {
            Ok(_) => completed += 1,
            Err(_) => crashes += 1,
        }
        let survivor = bench.disk.crash(cut * 100 + seed);
        bench.restarted(survivor);
        assert_eq!(
            bench.machine.vault.census(),
            census,
            "cut {cut}, seed {seed}"
        );
        assert_eq!(read_all(&mut bench.machine)[..leaves.len()], leaves);
        // And again, over what the crash left behind.
        bench.uses(5);
        bench.snapshot();
        bench.restarted(bench.disk.crash(seed));
        assert_eq!(read_all(&mut bench.machine)[..leaves.len()], leaves);
        assert_eq!(bench.uses(1), tag);
    }
    assert!(
        crashes > 100 && completed > 0,
        "{crashes} crashes, {completed} snapshots"
    );
    println!("{crashes} crashes in a snapshot, {completed} snapshots completed");
}

#[test]
fn a_lost_last_name_or_a_damaged_newest_snapshot_opens_from_the_one_before() {
    let mut bench = Bench::new(3);
    for _ in 0..4 {
        bench.uses(30);
        bench.snapshot();
    }
    bench.uses(5);
    assert!(bench.machine.first_group() > 0);
    let (census, leaves) = (bench.machine.vault.census(), read_all(&mut bench.machine));
    let newest = bench.disk.contents("snapshot.sealed").unwrap();
    let check = |disk: &SimulatedDisk| {
        let mut machine = boot(&bench.owned, disk, &mut SimRng::new(7));
        assert_eq!(machine.vault.census(), census);
        assert_eq!(read_all(&mut machine)[..leaves.len()], leaves);
    };
    let without = bench.disk.copy();
    without.remove("snapshot.sealed");
    check(&without);
    for at in (0..newest.len()).step_by(newest.len() / 40) {
        let mut damaged = newest.clone();
        damaged[at] ^= 1 << (at % 8);
        let disk = bench.disk.copy();
        disk.overwrite("snapshot.sealed", &damaged);
        check(&disk);
        // The damaged one never takes the place of the good one, whatever call is the last.
        for cut in 1..30 {
            let disk = disk.copy();
            let mut rng = SimRng::new(cut);
            let mut machine = boot(&bench.owned, &disk, &mut rng);
            disk.set_faults(Faults {
                cut_power: Some(cut),
                ..Faults::default()
            });
            let _ = machine.snapshot(&mut rng);
            check(&disk.crash(cut));
        }
    }
}

/// The end of the log is cut, and with it the entry that commits to the newest snapshot.
#[test]
fn a_log_that_is_cut_before_its_newest_snapshot_opens_as_an_earlier_prefix() {
    let mut bench = Bench::new(8);
    for _ in 0..4 {
        bench.uses(30);
        bench.snapshot();
    }
    assert!(bench.machine.first_group() > 0);
    let before = read_all(&mut bench.machine);
    // The last group holds that entry: it is the last frame of the last segment that has one.
    let (name, at) = last_frame(&bench.disk);
    let mut bytes = bench.disk.contents(&name).unwrap();
    bytes[at + 200] ^= 1;
    bench.disk.overwrite(&name, &bytes);
    let tag = mac(&mut boot(
        &bench.owned,
        &bench.disk.copy(),
        &mut SimRng::new(1),
    ))
    .unwrap();
    bench.restarted(bench.disk.copy());
    let after = read_all(&mut bench.machine);
    let cut = before.len() - 1;
    assert_eq!(after[..cut], before[..cut]);
    assert_ne!(after.get(cut), before.get(cut));
    assert_eq!(bench.uses(1), tag);
    // It goes on from there, and the snapshot that did not count is not kept in place of the good one.
    bench.snapshot();
    bench.disk.remove("snapshot.sealed");
    bench.restarted(bench.disk.copy());
    assert_eq!(read_all(&mut bench.machine)[..cut], before[..cut]);
}

fn last_frame(disk: &SimulatedDisk) -> (String, usize) {
    let names = disk.names();
    let segments = names.iter().filter(|name| name.ends_with(".seg"));
    let frames = segments.flat_map(|name| {
        let bytes = disk.contents(name).unwrap();
        let begins = (0..bytes.len()).step_by(512);
        let found: Vec<_> = begins
            .filter(|at| bytes[*at..].starts_with(b"EVF\x01"))
            .map(|at| (name.clone(), at))
            .collect();
        found
    });
    frames.last().unwrap()
}

#[test]
fn leaves_that_the_host_lost_or_changed_are_refused_by_name_and_everything_else_goes_on() {
    let mut bench = Bench::new(5);
    let tag = bench.uses(60);
    bench.snapshot();
    let name = "leaves-0000000000000000.arc";
    let good = bench.disk.contents(name).unwrap();
    bench.restarted(bench.disk.copy());
    let bundles = bench.machine.vault.size() / 4 - 1;
    let mut refused = 0;
    for at in (0..good.len()).step_by(31) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        bench.disk.overwrite(name, &bytes);
        for bundle in 0..bundles {
            match page(&mut bench.machine, bundle * 4) {
                Ok(leaves) => assert!(leaves_are_of(&bench.machine, bundle * 4, &leaves)),
                Err(refusal) => {
                    assert_eq!(refusal.code, Code::Unavailable);
                    let named = format!("entries {} to {}", bundle * 4, bundle * 4 + 3);
                    let detail = refusal.detail.unwrap();
                    assert!(
                        detail.contains("host") && detail.contains(&named),
                        "{detail}"
                    );
                    refused += 1;
                }
            }
        }
        // Whatever becomes of the archive.
        assert_eq!(mac(&mut bench.machine).unwrap(), tag);
    }
    assert!(refused >= good.len() / 31, "{refused}");
    bench.disk.remove(name);
    assert!(page(&mut bench.machine, 0).is_err());
    assert_eq!(mac(&mut bench.machine).unwrap(), tag);
    let newest = bench.machine.vault.size() - 1;
    assert_eq!(page(&mut bench.machine, newest).unwrap().len(), 1);
    bench.disk.overwrite(name, &good);
    assert_eq!(page(&mut bench.machine, 0).unwrap().len(), 4);
}

fn leaves_are_of(machine: &Machine, from: u64, leaves: &[Vec<u8>]) -> bool {
    let hash = |index| machine.vault.leaf_hash(index);
    (from..)
        .zip(leaves)
        .all(|(index, leaf)| hash(index) == Some(leaf_hash(leaf)))
}
