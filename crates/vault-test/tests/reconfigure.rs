//! Changes of a vault's trust configuration: what the sealed quorum may do, what everybody else
//! may not, and what a crash leaves behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code, reason = "shared by suites")]
mod governed;

use governed::{Governed, at, governor, signed};
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use vault_audit::Entry;
use vault_client::{ErrorCode, ReconfigureOffer};
use vault_encoding::Hash;
use vault_governance::{ConstellationId, Reconfiguration};
use vault_policy::VaultId;
use vault_test::process::VaultProcess;

const SIM_VAULT: &str = env!("CARGO_BIN_EXE_sim-vault");

/// The file that the host would like: a longer skew.
fn wanted(governed: &Governed) -> Table {
    let mut config = governed.base.clone();
    *at(&mut config, "time.skew") = Value::from(31);
    config
}

/// The file after a rotation: keys 4 and 5 govern.
fn rotated(governed: &Governed) -> Table {
    let mut config = governed.base.clone();
    let keys = [4, 5].map(|number| governor(number).public().to_string());
    *at(&mut config, "constellation.governance") = Value::from(keys.to_vec());
    config
}

async fn offer(governed: &Governed) -> ReconfigureOffer {
    governed.operator().await.begin_reconfigure().await.unwrap()
}

/// Hands a statement in; the refusal, or that there is none.
async fn refusal(governed: &Governed, statement: &Reconfiguration, by: &[u8]) -> Option<String> {
    let client = governed.operator().await;
    let outcome = client.reconfigure(statement, &signed(statement, by)).await;
    let error = outcome.err()?;
    assert_eq!(
        error.code,
        ErrorCode::GovernanceRefused,
        "{}",
        error.message()
    );
    Some(error.message())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_wrong_in_one_thing_is_refused_and_only_the_quorum_spends_the_nonce() {
    let mut governed = Governed::start(&[SIM_VAULT]).await;
    governed.restart(&wanted(&governed));
    let right = |offer: &ReconfigureOffer| offer.statement(offer.present_trust_root);
    type Change = fn(&mut Reconfiguration);
    let wrong: [(Change, &[u8], &str); 11] = [
        (
            |s| s.vault_id = VaultId(Hash([1; 32])),
            &[1, 2],
            "is for vault",
        ),
        (
            |s| s.old_trust_root = Hash([1; 32]),
            &[1, 2],
            "sealed trust root",
        ),
        (
            |s| s.new_trust_root = Hash([1; 32]),
            &[1, 2],
            "present configuration",
        ),
        (
            |s| s.constellation = ConstellationId(Hash([1; 32])),
            &[1, 2],
            "constellation",
        ),
        (|s| s.nonce = [1; 32], &[1, 2], "nonce"),
        (|_| {}, &[], "0 of 2"),
        (|_| {}, &[2], "1 of 2"),
        (|_| {}, &[2, 2], "1 of 2"),
        (|_| {}, &[4, 5], "not a governance key"),
        (|_| {}, &[1, 2, 4], "not a governance key"),
        (|_| {}, &[1; 17], "signatures"),
    ];
    for (change, by, reason) in wrong {
        let offer = offer(&governed).await;
        let mut statement = right(&offer);
        change(&mut statement);
        let client = governed.operator().await;
        let error = client
            .reconfigure(&statement, &signed(&statement, by))
            .await
            .unwrap_err();
        let expected = match by.len() {
            17 => ErrorCode::InvalidArgument,
            _ => ErrorCode::GovernanceRefused,
        };
        assert_eq!(error.code, expected, "{reason}");
        assert!(
            error.message().contains(reason),
            "{reason}: {}",
            error.message()
        );
        assert!(governed.state().await.0.is_some(), "{reason}");
        // Only what the quorum has signed spends it: nobody takes it from those who sign.
        let spent = reason == "present configuration";
        let next = self::offer(&governed).await.nonce;
        assert_eq!(next != offer.nonce, spent, "{reason}");
        if spent {
            let refused = refusal(&governed, &right(&offer), &[1, 2]).await;
            let refused = refused.expect("the nonce is spent");
            assert!(refused.contains("nonce"), "{reason}: {refused}");
        }
    }
    // Signed by one and changed afterwards, as a host in the middle would.
    let offered = offer(&governed).await;
    let signatures = signed(&right(&offered), &[1, 2]);
    let mut changed = right(&offered);
    changed.new_trust_root = Hash([1; 32]);
    let client = governed.operator().await;
    let error = client.reconfigure(&changed, &signatures).await.unwrap_err();
    assert!(
        error.message().contains("does not verify"),
        "{}",
        error.message()
    );
    // A nonce does not outlive its boot.
    let offered = offer(&governed).await;
    governed.restart(&wanted(&governed));
    let refused = refusal(&governed, &right(&offered), &[1, 2]).await.unwrap();
    assert!(refused.contains("nonce"), "{refused}");
    // And the right one is accepted, once.
    let offered = offer(&governed).await;
    assert_eq!(refusal(&governed, &right(&offered), &[3, 1]).await, None);
    assert_eq!(governed.state().await.0, None);
    assert!(
        refusal(&governed, &right(&offered), &[3, 1])
            .await
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_the_new_configuration_count_only_after_the_old_ones_have_let_them_in() {
    let mut governed = Governed::start(&[SIM_VAULT]).await;
    let key = governed.new_key().await;
    governed.restart(&rotated(&governed));
    let refused = governed.reconfigure_by(&[4, 5]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::GovernanceRefused);
    governed.reconfigure_by(&[1, 3]).await.unwrap();
    assert_eq!(governed.state().await.0, None);
    governed.sign(key).await.unwrap();
    let file = governed.base.clone();
    governed.restart(&file);
    let refused = governed.reconfigure_by(&[1, 2]).await.unwrap_err();
    assert_eq!(
        refused.code,
        ErrorCode::GovernanceRefused,
        "the old keys are out"
    );
    governed.reconfigure_by(&[4, 5]).await.unwrap();
    governed.sign(key).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_vault_prepares_its_next_start_and_goes_on_as_it_is() {
    let mut governed = Governed::start(&[SIM_VAULT]).await;
    let key = governed.new_key().await;
    let (_, old) = governed.state().await;
    // What the new file's root will be: a locked vault shows it.
    governed.restart(&rotated(&governed));
    let (_, new) = governed.state().await;
    let file = governed.base.clone();
    governed.restart(&file);

    let offered = offer(&governed).await;
    assert_eq!(
        (offered.sealed_trust_root, offered.present_trust_root),
        (old, old)
    );
    assert_eq!(
        refusal(&governed, &offered.statement(new), &[1, 2]).await,
        None
    );
    let replayed = refusal(&governed, &offered.statement(new), &[1, 2]).await;
    assert!(replayed.is_some());
    assert_eq!(
        governed.state().await,
        (None, old),
        "evidence is of the present boot"
    );
    governed.sign(key).await.unwrap();
    assert_eq!(offer(&governed).await.sealed_trust_root, new);

    governed.restart(&file);
    assert!(
        governed.state().await.0.is_some(),
        "the old file is the wrong one now"
    );
    governed.restart(&rotated(&governed));
    assert_eq!(governed.state().await, (None, new));
    governed.sign(key).await.unwrap();
    // The rotation was in the prepared file, and holds since the start.
    governed.restart(&file);
    assert!(governed.reconfigure_by(&[1, 2]).await.is_err());
    governed.reconfigure_by(&[4, 5]).await.unwrap();
    assert_eq!(governed.state().await, (None, old));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_who_changed_what_before_the_vault_opens_under_it() {
    let mut governed = Governed::start(&[SIM_VAULT]).await;
    let (_, old) = governed.state().await;
    governed.restart(&wanted(&governed));
    let (_, new) = governed.state().await;
    let offered = offer(&governed).await;
    let statement = offered.statement(new);
    let client = governed.operator().await;
    let done = client
        .reconfigure(&statement, &signed(&statement, &[2, 1]))
        .await
        .unwrap();
    let log = governed.client().await.whole_log().await.unwrap();
    let entries: Vec<_> = log
        .leaves
        .iter()
        .map(|leaf| Entry::from_leaf(leaf).unwrap())
        .collect();
    let at = usize::try_from(done.index).unwrap();
    assert_eq!(entries[at].operation, "reconfigure");
    let shown = done.receipt.logged.unwrap();
    assert_eq!((shown.index, &shown.leaf), (done.index, &log.leaves[at]));
    assert_eq!(done.receipt.head.size, done.index + 1);
    let mut signers = [1, 2].map(|number| governor(number).public());
    signers.sort();
    let [first, second] = signers;
    assert_eq!(
        entries[at].outcome,
        format!(
            "statement {} from {old} to {new} signed by {first} {second}",
            statement.hash()
        )
    );
    let boot = |entry: &Entry, root: Hash| {
        entry.operation == "boot" && entry.outcome.contains(&format!("trust {root} "))
    };
    assert!(boot(&entries[at - 1], old));
    assert!(boot(&entries[at + 1], new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_was_made_without_governance_is_fixed_for_life() {
    let mut governed = Governed::prepare(&[SIM_VAULT]).await;
    let governed_file = governed.base.clone();
    let mut alone = governed.base.clone();
    alone.remove("constellation");
    governed.write(&alone);
    governed.vault.start().unwrap();
    for file in [&alone, &governed_file] {
        governed.restart(file);
        let client = governed.operator().await;
        let refused = client.begin_reconfigure().await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::GovernanceRefused);
        let statement = Reconfiguration {
            constellation: governed::CONSTELLATION,
            vault_id: governed.vault_id(),
            old_trust_root: Hash([1; 32]),
            new_trust_root: Hash([2; 32]),
            nonce: [3; 32],
        };
        assert!(refusal(&governed, &statement, &[1, 2]).await.is_some());
    }
    assert!(governed.state().await.0.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fingerprint_is_that_of_the_vault_that_starts() {
    let mut governed = Governed::prepare(&[SIM_VAULT]).await;
    let identity = |governed: &Governed| {
        std::process::Command::new(SIM_VAULT)
            .arg("identity")
            .arg(governed.dir().join("vault.toml"))
            .arg(governed.dir().join("sim"))
            .output()
            .unwrap()
    };
    let output = identity(&governed);
    assert!(output.status.success());
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    governed.vault.start().unwrap();
    let pins = &governed.ready().pins;
    assert_eq!(text("vault_id"), pins.vault_id.to_string());
    assert_eq!(text("platform_id"), pins.platform_id.unwrap().to_string());
    assert_eq!(text("measurement"), pins.measurement.unwrap().to_string());
    assert_eq!(text("trust_root"), governed.state().await.1.to_string());
    assert_eq!(text("constellation"), governed::CONSTELLATION.to_string());
    assert_eq!(
        identity(&governed).stdout,
        output.stdout,
        "again, and while it runs"
    );
    governed.write(&wanted(&governed));
    let refused = identity(&governed);
    assert!(!refused.status.success());
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("trust configuration"), "{why}");
}

fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_logged_holds_although_the_disk_has_no_space_to_seal_it() {
    let mut governed = Governed::start(&[SIM_VAULT]).await;
    let key = governed.new_key().await;
    governed.restart(&rotated(&governed));
    let (_, new) = governed.state().await;
    governed.vault.kill().unwrap();
    let sealed = governed.dir().join("data/root.sealed");
    let before = std::fs::read(&sealed).unwrap();

    let full = governed.dir().join("data/root.sealed.new");
    let full = full.to_str().unwrap();
    let program = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-P",
        full,
        "-e",
        "trace=openat",
        "-e",
        "inject=openat:error=ENOSPC",
        SIM_VAULT,
    ];
    let traced = VaultProcess::prepare(&program, governed.dir(), &governed.issuer).unwrap();
    let plain = std::mem::replace(&mut governed.vault, traced);
    governed.write(&rotated(&governed));
    governed.vault.start().unwrap();
    assert_eq!(governed.reconfigure().await.unwrap().trust_root, new);
    assert_eq!(governed.state().await, (None, new));
    governed.sign(key).await.unwrap();
    governed.vault.kill().unwrap();
    assert_eq!(
        std::fs::read(&sealed).unwrap(),
        before,
        "there was no space"
    );

    governed.vault = plain;
    let file = governed.base.clone();
    governed.restart(&file);
    assert!(governed.state().await.0.is_some(), "the log has said so");
    assert!(governed.reconfigure_by(&[1, 2]).await.is_err());
    governed.restart(&rotated(&governed));
    assert_eq!(governed.state().await, (None, new));
    assert_ne!(
        std::fs::read(&sealed).unwrap(),
        before,
        "sealed at the next start"
    );
    governed.sign(key).await.unwrap();
}

/// What the host may keep and bring back.
struct Kept {
    root: PathBuf,
    log: PathBuf,
}

impl Kept {
    fn of(governed: &Governed, name: &str) -> Self {
        let (root, log) = ["root", "log"]
            .map(|part| governed.dir().join(format!("{part} {name}")))
            .into();
        copy(&governed.dir().join("data"), &log);
        std::fs::rename(log.join("root.sealed"), &root).unwrap();
        Self { root, log }
    }
}

/// What a vault does that is started on this root, this log and this file: why it is locked.
async fn after(governed: &mut Governed, root: &Kept, log: &Kept, file: &Table) -> Option<String> {
    governed.vault.kill().unwrap();
    let data = governed.dir().join("data");
    copy(&log.log, &data);
    std::fs::copy(&root.root, data.join("root.sealed")).unwrap();
    let _ = std::fs::remove_dir_all(governed.dir().join("memory/operator"));
    governed.write(file);
    governed.vault.start().unwrap();
    governed.state().await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_cannot_go_back_without_the_log_nor_the_log_without_it() {
    let mut governed = Governed::start(&[SIM_VAULT]).await;
    let key = governed.new_key().await;
    let (old_file, new_file) = (governed.base.clone(), rotated(&governed));
    governed.vault.kill().unwrap();
    let old = Kept::of(&governed, "old");
    governed.restart(&new_file);
    governed.reconfigure().await.unwrap();
    governed.sign(key).await.unwrap();
    governed.vault.kill().unwrap();
    let new = Kept::of(&governed, "new");

    assert_eq!(after(&mut governed, &new, &new, &new_file).await, None);
    let reason = after(&mut governed, &new, &new, &old_file).await.unwrap();
    assert!(reason.contains("trust configuration"), "{reason}");

    let reason = after(&mut governed, &old, &new, &old_file).await.unwrap();
    assert!(reason.contains("trust configuration"), "{reason}");
    let refused = governed.reconfigure_by(&[1, 2]).await.unwrap_err();
    assert_eq!(
        refused.code,
        ErrorCode::GovernanceRefused,
        "the old keys stay out"
    );
    governed.reconfigure_by(&[4, 5]).await.unwrap();
    assert_eq!(governed.state().await.0, None);

    // As a crash between the entry and the seal leaves it.
    assert_eq!(after(&mut governed, &old, &new, &new_file).await, None);
    governed.sign(key).await.unwrap();
    governed.vault.kill().unwrap();
    let sealed = std::fs::read(governed.dir().join("data/root.sealed")).unwrap();
    assert_ne!(sealed, std::fs::read(&old.root).unwrap(), "sealed again");

    for file in [&old_file, &new_file] {
        let reason = after(&mut governed, &new, &old, file).await.unwrap();
        assert!(reason.contains("log is older"), "{reason}");
    }
    after(&mut governed, &new, &old, &old_file).await;
    let refused = governed.reconfigure_by(&[4, 5]).await.unwrap_err();
    assert_eq!(
        refused.code,
        ErrorCode::Locked,
        "nobody can write to an old log"
    );

    // All of it together is an older vault: whoever has seen the newer one is told.
    assert_eq!(after(&mut governed, &old, &old, &old_file).await, None);
    let seen = governed.sign(key).await.unwrap_err();
    assert_eq!(seen.code, ErrorCode::RollbackDetected);
}

/// `kill -9` at the n-th system call of a thread that changes the disk, for every n until the vault
/// survives: afterwards it is locked as before, or open under the new configuration.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_write_leaves_the_vault_locked_as_before_or_open() {
    let mut governed = Governed::start(&[SIM_VAULT]).await;
    let key = governed.new_key().await;
    let (_, old) = governed.state().await;
    governed.restart(&wanted(&governed));
    let (_, new) = governed.state().await;
    governed.vault.kill().unwrap();
    let (data, aside) = (governed.dir().join("data"), governed.dir().join("aside"));
    copy(&data, &aside);
    let (mut locked, mut opened) = (0, 0);
    for call in 1.. {
        copy(&aside, &data);
        // The folder is an older one than clients have seen.
        let _ = std::fs::remove_dir_all(governed.dir().join("memory"));
        let calls = "pwrite64,fsync,fdatasync,rename";
        let (trace, inject) = (
            format!("trace={calls}"),
            format!("inject={calls}:signal=KILL:when={call}"),
        );
        let program = [
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &trace,
            "-e",
            &inject,
        ];
        let program = [&program[..], &[SIM_VAULT]].concat();
        let traced = VaultProcess::prepare(&program, governed.dir(), &governed.issuer).unwrap();
        let plain = std::mem::replace(&mut governed.vault, traced);
        governed.write(&wanted(&governed));
        let survived = match governed.vault.start() {
            Err(_) => false,
            Ok(_) => {
                let done = governed.reconfigure().await;
                let answered = done.is_ok();
                let open = match governed.operator_if_there().await {
                    Some(client) => client.info().await.is_ok_and(|info| info.locked.is_none()),
                    None => false,
                };
                assert!(answered || !open, "it opened without saying so");
                answered && open
            }
        };
        governed.vault.kill().unwrap();
        governed.vault = plain;
        governed.vault.start().unwrap();
        let (reason, shown) = governed.state().await;
        assert_eq!(shown, new);
        match reason {
            None => {
                opened += 1;
                governed.sign(key).await.unwrap();
                let log = governed.client().await.whole_log().await.unwrap();
                let said = log
                    .leaves
                    .iter()
                    .filter(|leaf| Entry::from_leaf(leaf).unwrap().operation == "reconfigure");
                assert_eq!(said.count(), 1, "it opened, so it was logged");
            }
            Some(_) => {
                locked += 1;
                assert!(opened == 0 && !survived, "logged once, at one moment");
                let file = governed.base.clone();
                governed.restart(&file);
                assert_eq!(governed.state().await, (None, old), "as before");
                governed.sign(key).await.unwrap();
            }
        }
        governed.vault.kill().unwrap();
        if survived {
            break;
        }
    }
    println!(
        "killed at {} writes: {locked} times locked, {} open",
        locked + opened - 1,
        opened - 1
    );
    // The last one survived; how many calls one thread makes is the runtime's affair.
    assert!(locked >= 1 && opened >= 2, "{locked} {opened}");
}
