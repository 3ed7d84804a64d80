//! Writes a store with the formats of this build. A folder that is there is never written again.

use super::{NOW, Store, folder, keys, owned, platform};
use serde_json::{Value, json};
use vault_audit::LogKey;
use vault_core::api::{KeyState, ScheduleDeletion, StageProfile, UpdatePolicy, Wrap};
use vault_core::{Answer, CallContext, InForce, Request, Rng};
use vault_encoding::text::hex;
use vault_encoding::{Hash, sha256};
use vault_policy::{KeyType, PolicyVersion, UnixSeconds};
use vault_store::faulty::SimulatedDisk;
use vault_store::{StoreRoot, write_root};
use vault_test::sim::{Machine, Person, SimRng, evidence};
use zeroize::Zeroizing;

/// What is in a store.
#[derive(Clone, Copy)]
struct Plan {
    name: &'static str,
    seed: u8,
    governed: bool,
    /// Whether a policy was changed, a profile proposed and a deletion begun.
    changed: bool,
    /// Starts and uses between the creations and the end, each with a snapshot if that is so.
    snapshots: usize,
}

const PLANS: [Plan; 5] = [
    Plan {
        name: "1-log-only",
        seed: 1,
        governed: false,
        changed: false,
        snapshots: 0,
    },
    Plan {
        name: "1-alone",
        seed: 2,
        governed: false,
        changed: false,
        snapshots: 1,
    },
    Plan {
        name: "2-governed",
        seed: 3,
        governed: true,
        changed: false,
        snapshots: 1,
    },
    Plan {
        name: "3-archived",
        seed: 4,
        governed: true,
        changed: false,
        snapshots: 3,
    },
    Plan {
        name: "4-changed",
        seed: 5,
        governed: true,
        changed: true,
        snapshots: 1,
    },
];

pub(crate) fn all() {
    for plan in PLANS {
        if !folder(plan.name).exists() {
            write(plan);
        }
    }
}

fn write(plan: Plan) {
    let disk = SimulatedDisk::new();
    let mut rng = SimRng::new(u64::from(plan.seed));
    first_boot(&disk, plan, &mut rng);
    let mut store = start(&disk, rng);
    for key_type in KeyType::ALL {
        create(&mut store, keys::create(key_type));
    }
    create(&mut store, keys::create_destroyed());
    destroy(&mut store);
    let issued = evidence(UnixSeconds(1_700_000_000));
    store
        .machine
        .vault
        .observe_evidence(&issued, &mut store.rng);
    store.machine.flush().unwrap();
    if plan.governed {
        govern(&mut store);
    }
    if plan.changed {
        change(&mut store);
    }
    for _ in 0..plan.snapshots {
        assert!(store.machine.snapshot(&mut store.rng).unwrap());
        store.mac();
    }
    let expected = expected(&mut store);
    save(plan.name, &disk, &expected);
}

fn first_boot(disk: &SimulatedDisk, plan: Plan, rng: &mut SimRng) {
    let seed = [plan.seed; 32];
    let trust_root = [0x77; 32];
    // Root payloads of both formats: without governance, and with a generation of 0 and no quorum.
    let payload = match plan.governed {
        false => [&[1][..], &seed, &trust_root].concat(),
        true => [&[2][..], &seed, &trust_root, &[0; 8]].concat(),
    };
    let vault_id = log_key(&seed).vault_id();
    let mut fill = |out: &mut [u8]| rng.fill(out);
    let root = StoreRoot::generate(vault_id.0, Zeroizing::new(payload), &mut fill);
    write_root(&mut disk.clone(), &platform(), &root, &mut fill).unwrap();
}

fn log_key(seed: &[u8; 32]) -> LogKey {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
    LogKey::from_public(pair.public_key().as_ref().try_into().unwrap())
}

fn start(disk: &SimulatedDisk, mut rng: SimRng) -> Store {
    let mut machine = Machine::boot(&owned(disk), disk, NOW, &mut rng).unwrap();
    machine.flush().unwrap();
    Store {
        machine,
        rng,
        expected: Value::Null,
    }
}

fn create(store: &mut Store, create: vault_core::api::CreateKey) {
    let context = CallContext {
        idempotency_key: create.handle.to_string(),
        ..CallContext::default()
    };
    let answer = store.call_as(Person::Bob, Request::CreateKey(create), context);
    assert!(matches!(answer.unwrap(), Answer::CreateKey(_)));
}

fn destroy(store: &mut Store) {
    let deletion = ScheduleDeletion {
        key: keys::destroyed(),
        window: 0,
    };
    store.call(Request::ScheduleDeletion(deletion)).unwrap();
}

/// One key under a second policy, one with a profile that is proposed, one that waits for its end.
fn change(store: &mut Store) {
    let update = UpdatePolicy {
        key: keys::named(KeyType::Ed25519Signing),
        policy: keys::second_policy(),
        expected_version: PolicyVersion(1),
    };
    store.call(Request::UpdatePolicy(update)).unwrap();
    let stage = StageProfile {
        key: keys::named(KeyType::P256Signing),
        profile: keys::profile(),
    };
    store.call(Request::StageProfile(stage)).unwrap();
    create(store, keys::create_waiting());
    let deletion = ScheduleDeletion {
        key: keys::waiting(),
        window: 3600,
    };
    store.call(Request::ScheduleDeletion(deletion)).unwrap();
}

fn govern(store: &mut Store) {
    let next = InForce {
        generation: 1,
        trust_root: Hash([0x78; 32]),
        governance: b"a quorum".to_vec(),
    };
    let vault = &mut store.machine.vault;
    vault.log_adoption(next, NOW, &mut store.rng).unwrap();
    store.machine.flush().unwrap();
}

fn wrap(store: &mut Store) -> Vec<u8> {
    let wrap = Wrap {
        key: keys::named(KeyType::Aes256Gcm),
        plaintext: Zeroizing::new(keys::MESSAGE.to_vec()),
        aad: b"golden".to_vec(),
    };
    match store.call(Request::Wrap(wrap)).unwrap() {
        Answer::Wrap { ciphertext, .. } => ciphertext,
        _ => panic!(),
    }
}

fn expected(store: &mut Store) -> Value {
    let (wrapped, p256) = (wrap(store), store.sign(KeyType::P256Signing));
    let (ed25519, hmac) = (store.sign(KeyType::Ed25519Signing), store.mac());
    let vault = &store.machine.vault;
    let roots: Vec<_> = (0..=vault.size())
        .map(|size| vault.root_at(size).unwrap().to_string())
        .collect();
    let census: Vec<_> = vault
        .census()
        .into_iter()
        .map(|(lineage, state)| (lineage.to_string(), state == KeyState::Enabled))
        .collect();
    json!({
        "vault_id": store.vault_id(),
        "roots": roots,
        "census": census,
        "floor": vault.floor().0,
        "generation": vault.in_force().map(|in_force| in_force.generation),
        "ed25519": hex(&ed25519),
        "p256": hex(&p256),
        "hmac": hex(&hmac),
        "wrapped": hex(&wrapped),
        "share": sha256(&[0x5a; 320]).to_string(),
    })
}

fn save(name: &str, disk: &SimulatedDisk, expected: &Value) {
    let folder = folder(name);
    std::fs::create_dir_all(&folder).unwrap();
    for file in disk.names() {
        std::fs::write(folder.join(&file), disk.contents(&file).unwrap()).unwrap();
    }
    let mut text = serde_json::to_string_pretty(expected).unwrap();
    text.push('\n');
    std::fs::write(folder.join("expected.json"), text).unwrap();
}
