//! Where the fuzzer begins: what the stores and vectors of the tree hold, and one of every message. A test
//! that is ignored writes them into the corpora.

use crate::golden::{Base, ISSUER, Owned, STORES, disk, root};
mod altered;
mod brought;
mod changes;
mod policies;

use crate::{archive, carried, memory, receipt, request, tiles};
use buffa::{Message, MessageField};
use vault_governance::Reconfiguration;
use vault_policy::KeyType;
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::{operate_request::Call, sign_request, verify_request};
use vault_server::fuzzing::KINDS;

/// Target, name and bytes.
pub type Seed = (&'static str, String, Vec<u8>);

/// All of the targets whose formats are written here; those of the others are copies of vectors.
pub fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (target, inputs) in [
        ("archive", archive::seeds()),
        ("boot", boot()),
        ("carried", carried::seeds()),
        ("chain", brought::chains()),
        ("config", config()),
        ("memory", memory_files()),
        ("policy", policies::seeds()),
        ("receipt", receipt::seeds()),
        ("registry", registry()),
        ("relay", brought::relayed()),
        ("reply", brought::replies()),
        ("request", requests()),
        ("root", roots()),
        ("store", stores()),
        ("tiles", tiles::seeds()),
        ("written", written()),
    ] {
        for (number, input) in inputs.into_iter().enumerate() {
            seeds.push((target, format!("seed-{number:02}"), input));
        }
    }
    seeds
}

#[cfg(test)]
pub(crate) use altered::seeds as of_alterations;

pub(crate) fn of(mode: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    [&[mode], body.as_ref()].concat()
}

fn boot() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    // The modes of each store: changes of its snapshot, all of it, changes of a group.
    let modes = [[0, 3, 6], [1, 4, 7], [2, 5, 8], [15, 16, 17]];
    for ([changed, whole, group], files) in modes.into_iter().zip(STORES) {
        let base = Base::open(files);
        seeds.push(of(changed, [0, 50, 1]));
        seeds.push(of(whole, &base.snapshot));
        seeds.push(of(group, [1, 0, 10, 1]));
        let records = base.groups.iter().flat_map(|(_, payload)| changes(payload));
        seeds.extend(records.map(|change| of(9, change)).take(4));
    }
    seeds.extend(altered::seeds());
    // A key, of a snapshot's table, is a change but for its number, its policy and what is remembered.
    for (number, key_type) in (1..).zip(KeyType::ALL) {
        seeds.push(of(9, request::created(key_type, number)));
    }
    seeds
}

/// The changes of a group's records, where there are any.
pub(crate) fn changes(payload: &[u8]) -> Vec<Vec<u8>> {
    let length = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap()) as usize;
    let mut at = 5;
    let mut found = Vec::new();
    for _ in 0..length(1) {
        at += 4 + length(at) + 32;
        found.push(payload[at + 4..at + 4 + length(at)].to_vec());
        at += 4 + length(at);
    }
    found.retain(|change| !change.is_empty());
    found
}

/// Changes of each file of the store that has snapshots.
fn stores() -> Vec<Vec<u8>> {
    let changed = (0..6).map(|file| of(128 + 2 * file, [0, 40, 1]));
    changed.chain([of(129, b"EVS")]).collect()
}

fn roots() -> Vec<Vec<u8>> {
    let files = disk(STORES[0]).contents("root.sealed").expect("a root");
    let mut seeds = vec![
        of(0, [0, 9, 1]),
        of(1, [0, 20, 1]),
        of(2, files),
        of(5, [7; 16]),
        of(5, [0; 16]),
    ];
    seeds.extend(STORES.map(|store| of(3, &*root(&disk(store)).payload)));
    let alone = root(&disk(STORES[1])).payload[..73].to_vec();
    let anchor = [&[9; 32][..], &[1, 2], &[3; 32], &[4; 32]].concat();
    seeds.push(of(3, [alone, anchor].concat()));
    let svns = vault_tee::Svns {
        cpu: [3; 16],
        isv: 1,
        config: 0,
    };
    seeds.push(of(4, vault_tee::KeyRequest::new(svns, [7; 32]).to_kept()));
    seeds
}

fn key() -> MessageField<v1::KeyRef, buffa::Inline<v1::KeyRef>> {
    MessageField::some(v1::KeyRef {
        handle: vault_policy::KeyHandle([1; 16]).to_string(),
        ..Default::default()
    })
}

fn context() -> MessageField<v1::CallContext, buffa::Inline<v1::CallContext>> {
    MessageField::some(v1::CallContext {
        idempotency_key: "once".into(),
        want_proof: true,
        ..Default::default()
    })
}

/// One call of every kind, in the order in which the target counts them.
fn calls() -> Vec<(Vec<u8>, Call)> {
    let message = || vec![1, 2, 3];
    let p1363 = v1::SignatureFormat::SIGNATURE_FORMAT_P1363;
    let sign = v1::SignRequest {
        key: key(),
        context: context(),
        input: Some(sign_request::Input::Message(message())),
        format: p1363.into(),
        ..Default::default()
    };
    let verify = v1::VerifyRequest {
        key: key(),
        input: Some(verify_request::Input::Message(message())),
        format: p1363.into(),
        signature: vec![5; 64],
        ..Default::default()
    };
    let wrap = v1::WrapRequest {
        key: key(),
        plaintext: message(),
        ..Default::default()
    };
    let unwrap = v1::UnwrapRequest {
        key: key(),
        ciphertext: message(),
        ..Default::default()
    };
    let mac = v1::MacRequest {
        key: key(),
        message: message(),
        ..Default::default()
    };
    let mac_verify = v1::MacVerifyRequest {
        key: key(),
        tag: vec![6; 32],
        ..Default::default()
    };
    let public = v1::GetPublicKeyRequest {
        key: key(),
        ..Default::default()
    };
    let share = v1::ReconstructRequest {
        key: key(),
        ..Default::default()
    };
    vec![
        (sign.encode_to_vec(), Call::Sign(sign.into())),
        (verify.encode_to_vec(), Call::Verify(verify.into())),
        (wrap.encode_to_vec(), Call::Wrap(wrap.into())),
        (unwrap.encode_to_vec(), Call::Unwrap(unwrap.into())),
        (mac.encode_to_vec(), Call::Mac(mac.into())),
        (
            mac_verify.encode_to_vec(),
            Call::MacVerify(mac_verify.into()),
        ),
        (public.encode_to_vec(), Call::GetPublicKey(public.into())),
        (share.encode_to_vec(), Call::Reconstruct(share.into())),
    ]
}

/// The messages of the other services, in the order in which the target counts them.
fn others() -> Vec<Vec<u8>> {
    let create = v1::CreateKeyRequest {
        context: context(),
        handle: vault_policy::KeyHandle([99; 16]).to_string(),
        r#type: v1::KeyType::KEY_TYPE_ED25519_SIGNING.into(),
        name: "release".into(),
        policy: request::policy(KeyType::Ed25519Signing),
        ..Default::default()
    };
    let get = v1::GetKeyRequest {
        key: key(),
        ..Default::default()
    };
    let list = v1::ListKeysRequest {
        page_size: 5,
        ..Default::default()
    };
    let delete = v1::ScheduleDeletionRequest {
        key: key(),
        context: context(),
        ..Default::default()
    };
    let policy = v1::GetPolicyRequest {
        key: key(),
        ..Default::default()
    };
    let read = v1::ReadLogRequest {
        from: 1,
        to: 4,
        ..Default::default()
    };
    let inclusion = v1::ProveInclusionRequest {
        index: 1,
        size: 4,
        ..Default::default()
    };
    let consistency = v1::ProveConsistencyRequest {
        old_size: 1,
        new_size: 4,
        ..Default::default()
    };
    vec![
        create.encode_to_vec(),
        get.encode_to_vec(),
        list.encode_to_vec(),
        delete.encode_to_vec(),
        policy.encode_to_vec(),
        read.encode_to_vec(),
        inclusion.encode_to_vec(),
        consistency.encode_to_vec(),
    ]
}

fn requests() -> Vec<Vec<u8>> {
    let (mut messages, calls): (Vec<_>, Vec<_>) = calls().into_iter().unzip();
    messages.extend(others());
    messages.extend(changes::messages());
    let under_id = |(id, call)| v1::OperateRequest {
        id,
        call: Some(call),
        ..Default::default()
    };
    let calls: Vec<_> = (1..).zip(calls).map(under_id).collect();
    messages.push(calls[0].encode_to_vec());
    messages.push(
        v1::BatchRequest {
            calls,
            ..Default::default()
        }
        .encode_to_vec(),
    );
    messages.push(reconfigure());
    messages.push(b"aBearer abc".to_vec());
    let numbered = (0u8..).zip(messages);
    let mut seeds: Vec<_> = numbered
        .map(|(kind, message)| [&[kind, 0][..], &message].concat())
        .collect();
    seeds.push([&[KINDS + 3, 0][..], b"aDPoP abc\ndproof"].concat());
    seeds.push([&[13, 2][..], &v1::ReadLogRequest::default().encode_to_vec()].concat());
    seeds
}

fn reconfigure() -> Vec<u8> {
    let statement = Reconfiguration {
        constellation: vault_governance::ConstellationId(vault_encoding::Hash([5; 32])),
        vault_id: vault_policy::VaultId(vault_encoding::Hash([1; 32])),
        old_trust_root: vault_encoding::Hash([2; 32]),
        new_trust_root: vault_encoding::Hash([3; 32]),
        nonce: [4; 32],
    };
    let signature = v1::GovernanceSignature {
        public_key: vec![1; 32],
        signature: vec![2; 64],
        ..Default::default()
    };
    let message = v1::ReconfigureRequest {
        statement: statement.canonical_bytes(),
        signatures: vec![signature],
        ..Default::default()
    };
    message.encode_to_vec()
}

fn memory_files() -> Vec<Vec<u8>> {
    let note = memory::note(3);
    let root = vault_encoding::sha256(&3u64.to_be_bytes()).to_string();
    let spki = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        memory::key().to_spki(),
    );
    let head = serde_json::json!({
        "size": 3, "root": root, "checkpoint": note, "identity_key": spki,
        "boots": [{"boot_id": "01".repeat(16), "from": 1, "to": 3}],
    });
    let told = serde_json::json!({
        "identity_key": spki,
        "heads": [{"head": {"size": 3, "root": root, "checkpoint": note},
                   "carried_by": "02".repeat(32), "proven": false}],
    });
    let place = serde_json::json!({
        "next": 3, "frontier": [root, root],
        "head": {"size": 3, "root": root, "checkpoint": note},
    });
    let evidence = |kind: &str, seen: &str, answered: &str| {
        let side =
            |note: &str| format!(r#"{{"boot_id":"","carried_by":"","checkpoint":"{note}"}}"#);
        let format = "enclave-vaults/head-evidence/v2";
        format!(
            r#"{{"answered":{},"format":"{format}","found":"answer","found_at":"5","identity_key":"{spki}","kind":"{kind}","seen":{},"vault_id":"{}"}}"#,
            side(answered),
            side(seen),
            memory::key().vault_id(),
        )
    };
    let lineage = "02".repeat(32);
    let handle = vault_policy::KeyHandle([1; 16]).to_string();
    vec![
        of(0, head.to_string()),
        of(1, told.to_string()),
        of(
            2,
            serde_json::json!({"keys": {handle: lineage}}).to_string(),
        ),
        of(3, place.to_string()),
        of(4, r#"{"root_crl":3,"families":{"070707070707":[4,5]}}"#),
        of(
            5,
            format!(
                r#"{{"version":1,"hash":"{}"}}"#,
                vault_encoding::sha256(b"1")
            ),
        ),
        of(6, format!(r#"{{"1":"{}"}}"#, vault_encoding::sha256(b"1"))),
        of(7, evidence("rollback", "%3", "%2")),
        of(7, evidence("fork", "%1", "%2")),
        of(8, owner_key()),
    ]
}

fn owner_key() -> Vec<u8> {
    let path = crate::folder().join("seed.key.json");
    let _ = std::fs::remove_file(&path);
    let file = vault_client::secret::OwnerKeyFile::new(&path);
    file.load_or_create().expect("a folder");
    let bytes = std::fs::read(&path).expect("written");
    let _ = std::fs::remove_file(path);
    bytes
}

fn config() -> Vec<Vec<u8>> {
    let text = |source: &str| {
        let lines = source
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1);
        let lines = lines.take_while(|line| *line != "//! ```");
        let lines = lines.map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()));
        lines.collect::<String>()
    };
    let hex = "11".repeat(32);
    let server = text(include_str!("../../vault-server/src/config.rs")).replace('…', &hex);
    let client = text(include_str!("../../vault-cli/src/config.rs"));
    let client = client
        .replacen("\"…\"", &format!("\"{hex}\""), 1)
        .replace('…', &"22".repeat(32));
    vec![
        of(0, server),
        of(
            0,
            "listen = \"127.0.0.1:0\"\ndata_dir = \"d\"\nissuers = []\nattestation.root = \"intel\"\n",
        ),
        of(1, text(include_str!("../../vault-registry/src/config.rs"))),
        of(2, client),
        of(
            3,
            r#"{"issuers.0.url":"https://a.test","roles":{"owner":"x"},"time.skew":"30"}"#,
        ),
    ]
}

fn registry() -> Vec<Vec<u8>> {
    let vault = vec![1; 32];
    let entry = v1::VaultEntry {
        endpoint: "vault.example.com:7443".into(),
        vault_id: vault.clone(),
        measurement: vec![2; 32],
        platform_id: vec![3; 32],
        expires_at: 9,
        ..Default::default()
    };
    let announced = v1::RegisterVaultRequest {
        endpoint: "[::1]:7443".into(),
        ..Default::default()
    };
    let beat = v1::HeartbeatRequest {
        vault_id: vault,
        endpoint: "127.0.0.1:1".into(),
        ..Default::default()
    };
    let token = format!("{}/vault.example.com:7443", "01".repeat(32));
    let page = v1::ListVaultsRequest {
        page_size: 5,
        page_token: token.clone(),
        ..Default::default()
    };
    let list = v1::ListVaultsResponse {
        vaults: vec![entry.clone(), entry],
        next_page_token: token.clone(),
        ..Default::default()
    };
    vec![
        of(0, "vault-1.example.com:7443"),
        of(0, "[::ffff:127.0.0.1]:65535"),
        of(1, token),
        of(2, announced.encode_to_vec()),
        of(3, beat.encode_to_vec()),
        of(4, page.encode_to_vec()),
        of(5, list.encode_to_vec()),
    ]
}

fn written() -> Vec<Vec<u8>> {
    let key = Owned::of(&[7; 32]).key;
    let policy = request::policy(KeyType::Aes256Gcm);
    let yaml = "principals:\n  owner:\n    issuer: https://i.test\n    subject: \"0123\"\n";
    let pem = "-----BEGIN PUBLIC KEY-----\nAQID\n-----END PUBLIC KEY-----\n";
    let mut seeds = vec![
        of(0, &policy),
        of(0, crate::written::yaml_of(&policy)),
        of(0, yaml),
        of(1, pem),
        of(2, include_str!("../../../vectors/governance/key.pem")),
        of(3, key.to_spki()),
        of(
            3,
            include_str!("../../../vectors/audit/identity.vkey").trim_end(),
        ),
        of(4, ratls::TrustRoot::intel().der()),
        of(
            5,
            format!(
                r#"{{"access_token":"abc","token_type":"DPoP","expires_in":300,"iss":"{ISSUER}"}}"#
            ),
        ),
        of(5, vault_policy::KeyHandle([1; 16]).to_string()),
        of(5, "02".repeat(32)),
    ];
    let policies = policies::canonical();
    seeds.extend(
        policies
            .iter()
            .map(|policy| of(0, crate::written::yaml_of(policy))),
    );
    seeds.extend(crate::written::approvals().iter().map(|files| of(7, files)));
    seeds.push(of(
        5,
        r#"{"error":"use_dpop_nonce","error_description":"\u001b[2J"}"#,
    ));
    seeds
}
