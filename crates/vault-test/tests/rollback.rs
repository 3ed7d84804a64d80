//! A real vault process on a disk of the past, a damaged one, one of another machine or
//! measurement: the client that remembers is told with both heads, and nothing altered is served.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vault_audit::{Frontier, Proven};
use vault_client::{
    Client, CreateKey, Error, ErrorCode, GoOnWith, HeadStore, Input, KeyName, LogReader, SeenHead,
};
use vault_encoding::sha256;
use vault_policy::{KeyType, OidcSubject, TemplateArgs, VaultId, template};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

const BLOCK: usize = 4096;
/// Header of a frame: magic, length, sequence, checksum.
const FRAME: usize = 32;
/// Header of a group, in the clear.
const GROUP: usize = 140;

/// A vault with one key, used a few times by the client `owner`.
struct Bench {
    issuer: Issuer,
    vault: VaultProcess,
    vault_id: VaultId,
    key: KeyName,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let owner = |id| issuer::Client::new(id, "secret", &["vault:owner"]);
        let config = IssuerConfig::new(vec![owner("owner"), owner("other")]);
        let issuer = Issuer::start(config).await.unwrap();
        let program = [env!("CARGO_BIN_EXE_sim-vault")];
        let mut vault = VaultProcess::prepare(&program, dir.path(), &issuer).unwrap();
        let vault_id = vault.start().unwrap().pins.vault_id;
        let client = vault.client(&issuer, "owner").await.unwrap();
        let created = client.create_key(new_key(&issuer, "owner", "key")).await;
        let key = KeyName::from(created.unwrap().value.handle);
        let bench = Self {
            issuer,
            vault,
            vault_id,
            key,
            _dir: dir,
        };
        bench.sign(4).await;
        bench
    }

    fn data(&self) -> PathBuf {
        self.vault.dir().join("data")
    }

    async fn client(&self) -> Client {
        self.vault.client(&self.issuer, "owner").await.unwrap()
    }

    /// Signs, one call after the other: each is a group of its own.
    async fn sign(&self, times: usize) -> SeenHead {
        let client = self.client().await;
        for _ in 0..times {
            sign(&client, self.key).await.unwrap();
        }
        client.seen().await.unwrap()
    }

    /// The next call of the client that remembers.
    async fn next_call(&self) -> Result<(), Error> {
        sign(&self.client().await, self.key).await
    }

    /// Stops the vault, does this to its disk, and starts it again.
    fn restart(&mut self, tamper: impl FnOnce(&Path)) {
        self.vault.kill().unwrap();
        tamper(&self.data());
        self.vault.start().unwrap();
    }

    /// What the owner's client remembers.
    fn memory(&self) -> HeadStore {
        HeadStore::new(self.vault.dir().join("memory").join("owner"))
    }

    /// A person decides to go on with the log that was seen first.
    fn acknowledge(&self) {
        let store = self.memory();
        for kept in store.evidence(&self.vault_id).unwrap() {
            store.acknowledge(&kept, GoOnWith::Seen).unwrap();
        }
    }

    /// The next call fails with this code, both heads, and evidence on disk. A person then decides
    /// to go on with what was seen.
    async fn expect_told(&self, code: ErrorCode, seen: &SeenHead) -> SeenHead {
        let error = self.next_call().await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert_eq!(error.vault_id, Some(self.vault_id));
        let heads = error.heads.clone().expect("both heads");
        assert_eq!(heads.seen, *seen);
        assert_ne!(heads.answered.root, seen.root);
        assert!(error.to_string().contains(&heads.answered.to_string()));
        assert!(error.to_string().contains(&seen.to_string()));
        let path = heads.evidence.expect("evidence");
        let kept = self.memory().evidence(&self.vault_id).unwrap();
        let kept = kept.iter().find(|kept| kept.path == path).unwrap();
        let checked = kept.evidence.check().unwrap();
        assert_eq!(checked.seen.root, seen.root);
        assert_eq!(checked.answered.root, heads.answered.root);
        let proven = match code {
            ErrorCode::RollbackDetected => Proven::ShorterLater,
            _ => Proven::TwoLogs,
        };
        assert_eq!(checked.proven, proven);
        let again = self.next_call().await.unwrap_err();
        assert_eq!(again.code, code, "a second call is told the same: {again}");
        assert!(again.to_string().contains("is not acknowledged"), "{again}");
        self.acknowledge();
        heads.answered
    }

    /// It answers this client nothing, and says why.
    async fn expect_locked(&self, reason: &str) {
        let error = self.next_call().await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Locked, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        let info = self.client().await.info().await.unwrap();
        assert!(info.head.is_none());
        let told = info.locked.expect("a reason");
        assert!(told.contains(reason), "{told}");
    }
}

fn new_key(issuer: &Issuer, subject: &str, name: &str) -> CreateKey {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: subject.to_owned(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::P256Signing)).unwrap();
    CreateKey {
        handle: None,
        key_type: KeyType::P256Signing,
        name: name.to_owned(),
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
    }
}

async fn sign(client: &Client, key: KeyName) -> Result<(), Error> {
    let input = Input::Message(b"message".to_vec());
    client.sign(key, input, false).await.map(drop)
}

type Disk = BTreeMap<PathBuf, Vec<u8>>;

fn copy(data: &Path) -> Disk {
    let entries = std::fs::read_dir(data).unwrap();
    let path = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path();
    let load = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    entries.map(path).map(load).collect()
}

/// All that the folder holds but the claim, which each start makes anew.
fn held(data: &Path) -> Disk {
    let mut disk = copy(data);
    disk.retain(|path, _| !path.ends_with("log.open"));
    disk
}

fn put_back(data: &Path, disk: &Disk) {
    std::fs::remove_dir_all(data).unwrap();
    std::fs::create_dir(data).unwrap();
    for (path, bytes) in disk {
        std::fs::write(path, bytes).unwrap();
    }
}

/// The segment that groups are in, and the offset of each frame.
fn frames(data: &Path) -> (PathBuf, Vec<u8>, Vec<usize>) {
    let mut disk = copy(data).into_iter();
    let begins = |bytes: &[u8]| -> Vec<usize> {
        let offsets = (0..bytes.len()).step_by(BLOCK);
        offsets
            .filter(|&at| bytes[at..].starts_with(b"EVF\x01"))
            .collect()
    };
    let (path, bytes) = disk.find(|(_, bytes)| !begins(bytes).is_empty()).unwrap();
    let begins = begins(&bytes);
    (path, bytes, begins)
}

/// Flips a bit of the sealed payload of a frame; `mend` makes its checksum right again, as
/// somebody does who knows the format.
fn flip(data: &Path, frame: impl FnOnce(&[usize]) -> usize, mend: bool) {
    let (path, mut bytes, begins) = frames(data);
    let at = frame(&begins);
    bytes[at + FRAME + GROUP + 3] ^= 0x10;
    if mend {
        let length = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let group = &bytes[at + FRAME..at + FRAME + length];
        let checksum = sha256(&[&bytes[at..at + 16], group].concat());
        bytes[at + 16..at + FRAME].copy_from_slice(&checksum.as_bytes()[..16]);
    }
    std::fs::write(path, bytes).unwrap();
}

fn last(begins: &[usize]) -> usize {
    *begins.last().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_told_of_an_earlier_disk_with_both_heads() {
    let mut bench = Bench::new().await;
    bench.vault.kill().unwrap();
    let earlier = copy(&bench.data());
    bench.vault.start().unwrap();
    let seen = bench.sign(6).await;
    bench.restart(|_| {});
    let seen_again = bench.sign(1).await;
    assert!(seen_again.size > seen.size, "its own disk is no rollback");
    bench.restart(|data| put_back(data, &earlier));
    let answered = bench
        .expect_told(ErrorCode::RollbackDetected, &seen_again)
        .await;
    assert!(answered.size < seen_again.size);
    let fresh = bench.vault.client(&bench.issuer, "other").await.unwrap();
    assert!(fresh.whoami().await.is_ok(), "who remembers nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_on_with_a_head_that_an_auditor_kept_is_served_by_no_vault_that_does_not_show_it()
{
    let mut bench = Bench::new().await;
    bench.vault.kill().unwrap();
    let earlier = copy(&bench.data());
    bench.vault.start().unwrap();
    let kept = bench.sign(6).await;
    let mut newest = Disk::new();
    bench.restart(|data| {
        newest = held(data);
        put_back(data, &earlier);
    });
    // The auditor never called before, and has the kept head alone.
    let store = HeadStore::new(bench.vault.dir().join("memory").join("other"));
    let vault_id = bench.vault_id;
    let decide = |which| {
        let all = store.evidence(&vault_id).unwrap();
        let open = all.iter().filter(|kept| kept.acknowledged.is_none());
        let decided = open.map(|kept| store.acknowledge(kept, which).unwrap());
        assert!(decided.count() > 0, "nobody has decided about it");
    };
    let client = bench.vault.client(&bench.issuer, "other").await.unwrap();
    let mut reader = LogReader::resume(client.clone(), Frontier::new(), Some(kept.clone()));
    let error = reader.advance().await.unwrap_err();
    assert_eq!(error.code, ErrorCode::RollbackDetected, "{error}");
    let memory = store.head(&vault_id).unwrap().unwrap();
    assert!(
        memory.size < kept.size,
        "what it was answered is remembered"
    );
    for _ in 0..3 {
        decide(GoOnWith::Seen);
        let refused = client.whoami().await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::RollbackDetected, "{refused}");
        assert_eq!(refused.heads.clone().unwrap().seen.root, kept.root);
    }
    decide(GoOnWith::Seen);
    bench.vault.kill().unwrap();
    put_back(&bench.data(), &newest);
    bench.vault.start().unwrap();
    // It shows the kept head, and not that of the start that was put back.
    let client = bench.vault.client(&bench.issuer, "other").await.unwrap();
    let forked = client.whoami().await.unwrap_err();
    assert_eq!(forked.heads.clone().unwrap().seen, memory, "{forked}");
    decide(GoOnWith::Answered);
    client.whoami().await.unwrap();
    assert!(store.told(&vault_id).unwrap()[0].proven);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_copies_that_each_moved_on_are_told_as_a_fork() {
    let mut bench = Bench::new().await;
    bench.vault.kill().unwrap();
    let earlier = copy(&bench.data());
    bench.vault.start().unwrap();
    let seen = bench.sign(3).await;
    bench.restart(|data| put_back(data, &earlier));
    let other = bench.vault.client(&bench.issuer, "other").await.unwrap();
    for number in 0..8 {
        let key = new_key(&bench.issuer, "other", &format!("key {number}"));
        other.create_key(key).await.unwrap();
    }
    assert!(other.seen().await.unwrap().size > seen.size);
    let answered = bench.expect_told(ErrorCode::ForkDetected, &seen).await;
    assert_eq!(answered.size, seen.size, "the vault signs what it had then");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_or_cut_last_group_opens_as_an_earlier_prefix_and_the_client_is_told() {
    let mut bench = Bench::new().await;
    let seen = bench.sign(3).await;
    bench.vault.kill().unwrap();
    let whole = copy(&bench.data());
    bench.vault.start().unwrap();

    // The boot entry stands where the lost signature stood.
    let tampers: [fn(&Path); 3] = [
        |data| flip(data, last, false),
        |data| flip(data, last, true),
        |data| {
            let (path, bytes, begins) = frames(data);
            std::fs::write(path, &bytes[..last(&begins) + FRAME + GROUP]).unwrap();
        },
    ];
    for tamper in tampers {
        bench.restart(|data| {
            put_back(data, &whole);
            tamper(data);
        });
        let answered = bench.expect_told(ErrorCode::ForkDetected, &seen).await;
        assert_eq!(answered.size, seen.size);
    }
    bench.restart(|data| {
        put_back(data, &whole);
        let (path, bytes, begins) = frames(data);
        std::fs::write(path, &bytes[..begins[begins.len() - 3]]).unwrap();
    });
    let answered = bench.expect_told(ErrorCode::RollbackDetected, &seen).await;
    assert_eq!(answered.size, seen.size - 2);

    bench.restart(|data| put_back(data, &whole));
    bench.next_call().await.expect("the disk as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_before_the_last_group_is_refused_and_never_a_first_boot() {
    let mut bench = Bench::new().await;
    bench.vault.kill().unwrap();
    let whole = copy(&bench.data());
    bench.vault.start().unwrap();
    for mend in [false, true] {
        bench.restart(|data| {
            put_back(data, &whole);
            flip(data, |begins| begins[2], mend);
        });
        assert_eq!(
            bench.vault.ready().unwrap().pins.vault_id,
            bench.vault_id,
            "the same vault"
        );
        bench.expect_locked("group 2 is damaged").await;
    }

    let mut damaged = None;
    bench.restart(|data| {
        put_back(data, &whole);
        let (path, mut bytes, _) = frames(data);
        bytes[3] ^= 1;
        std::fs::write(path, bytes).unwrap();
        damaged = Some(held(data));
    });
    bench.expect_locked("segment 0 is damaged").await;
    assert_eq!(Some(held(&bench.data())), damaged, "nothing was written");

    bench.restart(|data| {
        put_back(data, &whole);
        std::fs::remove_file(data.join("root.sealed")).unwrap();
    });
    bench.expect_locked("root.sealed is missing").await;
    assert!(!bench.data().join("root.sealed").exists());

    bench.restart(|data| put_back(data, &whole));
    bench.next_call().await.expect("the disk as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_machine_or_measurement_cannot_open_the_store_and_says_so() {
    let mut bench = Bench::new().await;
    let ours = bench.vault.ready().unwrap().pins.clone();
    bench.vault.kill().unwrap();
    let whole = held(&bench.data());
    for (machine, measurement) in [("one", "another build"), ("two", "sim-vault")] {
        bench.vault.enclave(machine, measurement);
        let theirs = bench.vault.start().unwrap().clone();
        assert_ne!(theirs.pins.vault_id, ours.vault_id);
        assert_eq!(
            theirs.pins.measurement != ours.measurement,
            machine == "one"
        );
        assert_eq!(
            theirs.pins.platform_id != ours.platform_id,
            machine == "two"
        );
        bench
            .expect_locked("on another machine, or by another measurement")
            .await;
        // A client that pins the vault does not even get so far.
        let mut here = theirs.clone();
        here.pins = ours.clone();
        let refused = bench.vault.client_of(&here, &bench.issuer, "owner").await;
        let refused: Error = refused.err().expect("another vault").downcast().unwrap();
        assert_eq!(refused.code, ErrorCode::AttestationRefused, "{refused}");
        bench.vault.kill().unwrap();
        assert_eq!(held(&bench.data()), whole, "nothing was written");
    }
    bench.vault.enclave("one", "sim-vault");
    bench.vault.start().unwrap();
    bench.next_call().await.expect("the enclave that made it");
}
