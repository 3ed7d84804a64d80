//! Machines under a root: what is kept, what differs, who can unseal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tee_sim::{
    Quoting, SimError, SimMachine, SimPlatform, SimRoot, measurement_named, measurement_of_file,
};
use vault_tee::{Platform, PlatformKind, QuoteError};

fn enclave(machine: &SimMachine, measurement: [u8; 32]) -> SimPlatform {
    SimPlatform::builder(machine, measurement).build().unwrap()
}

fn seal_root(machine: &SimMachine, measurement: [u8; 32]) -> [u8; 32] {
    *enclave(machine, measurement).seal_root().unwrap()
}

#[test]
fn a_folder_keeps_the_root_and_its_machines() {
    let dir = tempfile::tempdir().unwrap();
    let (first, again) = (
        SimRoot::open_or_create(dir.path()).unwrap(),
        SimRoot::open_or_create(dir.path()).unwrap(),
    );
    assert_eq!(first.root_der(), again.root_der());
    let (one, same) = (first.machine("one").unwrap(), again.machine("one").unwrap());
    assert_eq!(one.platform_instance_id(), same.platform_instance_id());
    assert_eq!(one.fmspc(), same.fmspc());
    assert_eq!(seal_root(&one, [1; 32]), seal_root(&same, [1; 32]));
    let ephemeral = SimRoot::ephemeral().unwrap();
    assert_ne!(ephemeral.root_der(), first.root_der());
}

#[test]
fn another_measurement_or_machine_gets_another_sealing_root() {
    let root = SimRoot::ephemeral().unwrap();
    let (one, two) = (root.machine("one").unwrap(), root.machine("two").unwrap());
    let own = seal_root(&one, [1; 32]);
    assert_eq!(own, seal_root(&one, [1; 32]));
    assert_ne!(own, seal_root(&one, [2; 32]));
    assert_ne!(own, seal_root(&two, [1; 32]));
    assert_ne!(one.platform_instance_id(), two.platform_instance_id());
    assert_ne!(one.fmspc(), two.fmspc());
}

#[test]
fn files_are_readable_by_their_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let root = SimRoot::open_or_create(&dir.path().join("sim")).unwrap();
    root.machine("one").unwrap();
    let mut files = 0;
    let mut pending = vec![dir.path().join("sim")];
    while let Some(path) = pending.pop() {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        if path.is_dir() {
            assert_eq!(mode, 0o700, "{path:?}");
            let entries = std::fs::read_dir(&path).unwrap();
            pending.extend(entries.map(|entry| entry.unwrap().path()));
        } else {
            assert_eq!(mode, 0o600, "{path:?}");
            files += 1;
        }
    }
    assert_eq!(files, 4 + 2);
}

#[test]
fn several_that_create_the_same_folder_at_once_get_the_same_root() {
    let dir = tempfile::tempdir().unwrap();
    let roots: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| SimRoot::open_or_create(dir.path()).unwrap()))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(
        roots
            .iter()
            .all(|root| root.root_der() == roots[0].root_der())
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn refuses_names_that_could_leave_the_folder_and_damaged_files() {
    let dir = tempfile::tempdir().unwrap();
    let root = SimRoot::open_or_create(dir.path()).unwrap();
    for name in ["", "..", "a/b", "a.b", &"x".repeat(65)] {
        assert_eq!(root.machine(name).unwrap_err(), SimError::Name, "{name}");
    }
    assert!(root.machine(&"x".repeat(64)).is_ok());
    root.machine("one").unwrap();
    let secret = dir.path().join("machines/one/sealing.secret");
    std::fs::write(&secret, [0; 31]).unwrap();
    assert_eq!(root.machine("one").unwrap_err(), SimError::Damaged);
}

#[test]
fn a_quote_carries_the_report_data_that_was_asked_for() {
    let root = SimRoot::ephemeral().unwrap();
    let platform = enclave(&root.machine("one").unwrap(), [1; 32]);
    let quote = platform.quote([7; 64]).unwrap().quote;
    assert_eq!(quote[368..432], [7; 64]);
    assert_eq!(quote[112..144], platform.measurement());
    assert_eq!(platform.kind(), PlatformKind::Simulated);
    assert!(platform.host_time().unwrap() > 1_700_000_000);
}

#[test]
fn quoting_fails_and_takes_time_when_told_to() {
    let root = SimRoot::ephemeral().unwrap();
    let platform = SimPlatform::builder(&root.machine("one").unwrap(), [1; 32])
        .latency(Duration::from_millis(20))
        .quoting(Quoting::Unavailable)
        .build()
        .unwrap();
    let started = Instant::now();
    assert_eq!(platform.quote([0; 64]), Err(QuoteError::Unavailable));
    assert!(started.elapsed() >= Duration::from_millis(20));
    platform.set_quoting(Quoting::TimesOut);
    assert_eq!(platform.quote([0; 64]), Err(QuoteError::Timeout));
    platform.set_quoting(Quoting::Works);
    assert!(platform.quote([0; 64]).is_ok());
}

#[test]
fn the_subject_of_the_root_says_development_only() {
    let root = SimRoot::ephemeral().unwrap();
    let needle = b"DEVELOPMENT ONLY";
    let mut windows = root.root_der().windows(needle.len());
    assert!(windows.any(|part| part == needle));
}

#[test]
fn measurements_depend_on_the_name_or_the_file() {
    assert_eq!(measurement_named("a"), measurement_named("a"));
    assert_ne!(measurement_named("a"), measurement_named("b"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("binary");
    std::fs::write(&path, b"abc").unwrap();
    let digest = measurement_of_file(&path).unwrap();
    assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
    assert!(measurement_of_file(Path::new("/nonexistent")).is_err());
}
