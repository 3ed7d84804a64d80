//! Sealing by EGETKEY on a simulated CPU: a microcode update leaves the store open, and everything else that should
//! keep it shut does: an older CPU, another build, a debug enclave, another machine, changed bytes. Each is told
//! apart where it can be, with what to do next.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use tee_sim::{SimBuilder, SimMachine, SimPlatform, SimRoot, measurement_named};
use vault_server::{ServerConfig, SvnSeal};
use vault_store::{PlatformSeal, SealError, SealProvider};
use vault_tee::{Platform, Svns};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

const CPU: [u8; 16] = [5; 16];
const AAD: &[u8] = b"associated";

fn machine(name: &str) -> SimMachine {
    SimRoot::ephemeral().unwrap().machine(name).unwrap()
}

fn enclave(machine: &SimMachine, cpu: [u8; 16]) -> SimBuilder {
    SimPlatform::builder(machine, measurement_named("build one"))
        .isv_svn(3)
        .egetkey(cpu, 2)
}

fn seal_of(builder: SimBuilder) -> SvnSeal {
    SvnSeal::new(builder.build().unwrap().egetkey().unwrap())
}

fn noise() -> impl FnMut(&mut [u8]) {
    let mut next = 0u8;
    move |out: &mut [u8]| {
        out.iter_mut().for_each(|byte| {
            next = next.wrapping_mul(73).wrapping_add(41);
            *byte = next;
        });
    }
}

/// What a store root was sealed as on CPU 5.
fn sealed(machine: &SimMachine) -> Vec<u8> {
    let seal = seal_of(enclave(machine, CPU));
    seal.seal(b"the store's root", AAD, &mut noise()).unwrap()
}

#[test]
fn a_cpu_of_later_microcode_opens_what_an_earlier_one_sealed_and_not_the_other_way_round() {
    let machine = machine("one");
    let old = sealed(&machine);
    for later in [[5; 16], [6; 16], [255; 16]] {
        let seal = seal_of(enclave(&machine, later));
        assert_eq!(*seal.open(&old, AAD).unwrap(), b"the store's root");
        let anew = seal.seal(b"again", AAD, &mut noise()).unwrap();
        let back = seal_of(enclave(&machine, CPU)).open(&anew, AAD);
        match later == CPU {
            true => assert_eq!(*back.unwrap(), b"again"),
            false => assert_eq!(back, Err(SealError::OlderCpu)),
        }
    }
    // One component behind is behind.
    let mut cpu = [9; 16];
    cpu[11] = 4;
    let seal = seal_of(enclave(&machine, cpu));
    assert_eq!(seal.open(&old, AAD), Err(SealError::OlderCpu));
}

#[test]
fn a_later_version_of_the_build_opens_what_an_earlier_one_sealed_and_not_the_other_way_round() {
    let machine = machine("one");
    let old = sealed(&machine);
    let with = |isv: u16, config: u16| {
        let builder = SimPlatform::builder(&machine, measurement_named("build one"));
        seal_of(builder.isv_svn(isv).egetkey(CPU, config)).open(&old, AAD)
    };
    assert!(with(3, 2).is_ok() && with(4, 2).is_ok() && with(3, 3).is_ok());
    assert_eq!(with(2, 2), Err(SealError::OlderBuild));
    assert_eq!(with(3, 1), Err(SealError::OlderBuild));
}

#[test]
fn nothing_but_this_build_on_this_machine_opens_it() {
    let machine = machine("one");
    let old = sealed(&machine);
    let open = |builder: SimBuilder| seal_of(builder).open(&old, AAD).map(drop);
    let other_build = SimPlatform::builder(&machine, measurement_named("build two"));
    let strangers = [
        ("another build", other_build.isv_svn(3).egetkey(CPU, 2)),
        ("a debug enclave", enclave(&machine, CPU).debug()),
        ("another machine", enclave(&self::machine("two"), CPU)),
        (
            "reserved attributes",
            enclave(&machine, CPU).attributes(0x0d),
        ),
        (
            "reserved misc bits",
            enclave(&machine, CPU).misc_select(1 << 31),
        ),
        ("a later CPU and debug", enclave(&machine, [6; 16]).debug()),
    ];
    for (who, builder) in strangers {
        assert_eq!(open(builder), Err(SealError::OtherPlatform), "{who}");
    }
    // What carries no trust may differ; the signer is none of those that are asked.
    open(enclave(&machine, CPU).xfrm(0x07)).unwrap();
    open(enclave(&machine, CPU).mrsigner([1; 32])).unwrap();
    let one_key = PlatformSeal::new([1; 32].into());
    let foreign = one_key.seal(b"root", AAD, &mut noise()).unwrap();
    let opened = seal_of(enclave(&machine, CPU)).open(&foreign, AAD);
    assert_eq!(opened.map(drop), Err(SealError::OtherPlatform));
    assert!(one_key.open(&old, AAD).is_err());
}

#[test]
fn each_changed_bit_and_each_cut_of_what_is_sealed_is_refused() {
    let machine = machine("one");
    let (old, seal) = (sealed(&machine), seal_of(enclave(&machine, [9; 16])));
    let mut refused = 0;
    for (at, bit) in (0..old.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = old.clone();
        changed[at] ^= 1 << bit;
        assert!(seal.open(&changed, AAD).is_err(), "byte {at} bit {bit}");
        refused += 1;
    }
    for length in 0..old.len() {
        assert!(seal.open(&old[..length], AAD).is_err(), "{length}");
    }
    assert_eq!(seal.open(&old, b"other").map(drop), Err(SealError::Damaged));
    println!(
        "{refused} bits and {} cuts of a sealed root, all refused",
        old.len()
    );
}

#[test]
fn two_sealings_share_no_key_and_keep_the_versions_of_then() {
    let machine = machine("one");
    let seal = seal_of(enclave(&machine, CPU));
    let mut fill = noise();
    let (one, other) = (
        seal.seal(b"same", AAD, &mut fill).unwrap(),
        seal.seal(b"same", AAD, &mut fill).unwrap(),
    );
    // CPUSVN, ISVSVN and CONFIGSVN behind the format; then the masks; then the key id.
    let svns = [&CPU[..], &3u16.to_le_bytes(), &2u16.to_le_bytes()].concat();
    for sealed in [&one, &other] {
        assert_eq!(sealed[..7], *b"EVSVN\x01\x01");
        assert_eq!(sealed[7..27], svns);
    }
    assert_ne!(one[47..79], other[47..79], "key ids");
    // The name of the platform's key, which is another one each time.
    assert_ne!(one[79..95], other[79..95]);
    let cpu = enclave(&machine, CPU).build().unwrap().egetkey().unwrap();
    let (isv, config) = (3, 2);
    assert_eq!(
        cpu.svns(),
        Ok(Svns {
            cpu: CPU,
            isv,
            config
        })
    );
}

async fn issuer() -> Issuer {
    let owner = issuer::Client::new("owner", "secret", &["vault:owner"]);
    Issuer::start(IssuerConfig::new(vec![owner])).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_survives_a_microcode_update_and_says_what_keeps_it_shut() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    VaultProcess::prepare(&["sim-vault"], dir.path(), &issuer).unwrap();
    let config = ServerConfig::load(&dir.path().join("vault.toml")).unwrap();
    let root = SimRoot::open_or_create(&dir.path().join("sim")).unwrap();
    let machine = root.machine("one").unwrap();
    let identity = |builder: SimBuilder| {
        let found = vault_server::identity(&config, &builder.build().unwrap());
        found.map_err(|error| error.to_string())
    };
    let first = identity(enclave(&machine, CPU)).unwrap();
    let updated = identity(enclave(&machine, [6; 16])).unwrap();
    assert_eq!(updated.vault_id, first.vault_id, "the same vault");

    let other_build = SimPlatform::builder(&machine, measurement_named("build two"));
    let elsewhere = root.machine("two").unwrap();
    for (builder, code, next) in [
        (
            enclave(&machine, [4; 16]),
            "[older_cpu]",
            "microcode up to date",
        ),
        (
            enclave(&machine, CPU).isv_svn(2),
            "[older_build]",
            "later build",
        ),
        (
            enclave(&machine, CPU).debug(),
            "[other_platform]",
            "the machine that sealed it",
        ),
        (
            enclave(&elsewhere, CPU),
            "[other_platform]",
            "the machine that sealed it",
        ),
        (
            other_build.isv_svn(3).egetkey(CPU, 2),
            "[other_platform]",
            "the build",
        ),
    ] {
        let told = identity(builder).unwrap_err();
        let (why, what) = told.split_once("; next: ").unwrap();
        assert!(why.starts_with("locked: ") && why.ends_with(code), "{told}");
        assert!(what.contains(next), "{told}");
    }
    assert_eq!(
        identity(enclave(&machine, CPU)).unwrap(),
        first,
        "never a first boot"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_says_the_code_and_what_to_do_on_stdout_and_to_every_client() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    let program = [env!("CARGO_BIN_EXE_sim-vault")];
    let mut vault = VaultProcess::prepare(&program, dir.path(), &issuer).unwrap();
    vault.start().unwrap();
    vault.kill().unwrap();
    vault.enclave("two", "sim-vault");
    vault.start().unwrap();
    let line = std::fs::read_to_string(dir.path().join("stdout")).unwrap();
    let said: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!(said["locked_code"], "other_platform");
    let ready = vault.ready().unwrap();
    let config = vault.client_config(ready, "operator").unwrap();
    let client = vault_client::Client::connect(config).await.unwrap();
    let told = client.info().await.unwrap().locked.unwrap();
    assert_eq!(said["locked"], told);
    assert!(
        told.contains("[other_platform]; next: start this folder"),
        "{told}"
    );
}
