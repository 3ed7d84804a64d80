//! A key of alice's with everybody around it, and the calls that change it.

use super::*;
use vault_core::api::{PromoteProfile, RevokeProfile, StageProfile, UpdatePolicy};
use vault_encoding::{Json, sha256};
use vault_policy::{
    AttestationProfile, EvidenceClaims, Measurement, Mutability, PlatformId, PolicyVersion,
    SgxFacts, TcbStatus, Tee, VerifiedEvidence,
};

const LIMITS: vault_encoding::Limits = vault_encoding::Limits {
    bytes: 1 << 16,
    depth: 32,
    nodes: 8 * 1024,
};

/// What differs from one policy to the next.
#[derive(Clone)]
pub(crate) struct Team {
    pub(crate) window: u64,
    pub(crate) robot: bool,
    /// Whether bob manages: then promotions take his approval too.
    pub(crate) manager: bool,
    /// Builds that `app` names, and more profiles.
    pub(crate) builds: Vec<u8>,
    pub(crate) tees: Vec<String>,
}

impl Default for Team {
    fn default() -> Self {
        Self {
            window: 0,
            robot: true,
            manager: false,
            builds: vec![1],
            tees: Vec::new(),
        }
    }
}

impl Team {
    /// Alice owns; robot and the enclave app use; dave audits; ci proposes profiles.
    pub(crate) fn document(&self) -> String {
        let oidc = |id: &str| {
            format!(r#"{{"id":"{id}","oidc":{{"issuer":"{ISSUER}","subject":"{id}"}}}}"#)
        };
        let builds = self.builds.iter().map(|build| profile_text("app", *build));
        let tees: Vec<String> = builds.chain(self.tees.iter().cloned()).collect();
        let users = if self.robot {
            r#""owner","robot","app""#
        } else {
            r#""owner","app""#
        };
        let managers = match self.manager {
            true => format!(
                r#"{{"id":"bob","credentials":[{{"oidc":{{"issuer":"{ISSUER}","subject":"bob"}}}}]}}"#
            ),
            false => String::new(),
        };
        let fixed = ["mutability", "principals.owner"];
        let levels: Vec<String> = Mutability::FIELDS
            .iter()
            .filter(|field| !fixed.contains(field))
            .map(|field| match self.manager && *field == "principals.tees" {
                true => format!(r#""{field}":{{"quorum":{{"oidc":"allowed","threshold":1}}}}"#),
                false => format!(r#""{field}":"owner""#),
            })
            .collect();
        format!(
            r#"{{"format":"enclave-vaults/key-policy/v1",
            "principals":{{"owner":{{"issuer":"{ISSUER}","subject":"alice"}},
              "managers":[{managers}],
              "auditors":[{}],"callers":[{},{}],"tees":[{}]}},
            "operations":[
              {{"name":"use","operations":["mac","mac_verify"],"principals":[{users}]}},
              {{"name":"propose","operations":["stage_profile"],"principals":["ci"]}}],
            "lifecycle":{{"deletion_window":{}}},
            "mutability":{{{}}}}}"#,
            oidc("dave"),
            oidc("robot"),
            oidc("ci"),
            tees.join(","),
            self.window,
            levels.join(",")
        )
    }

    pub(crate) fn policy(&self) -> KeyPolicy {
        policy_of(&self.document())
    }
}

pub(crate) fn policy_of(document: &str) -> KeyPolicy {
    KeyPolicy::from_json(&json(document)).unwrap()
}

pub(crate) fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), LIMITS).unwrap()
}

pub(crate) fn profile_text(name: &str, build: u8) -> String {
    format!(r#"{{"name":"{name}","mrenclave":"{}"}}"#, Hash([build; 32]))
}

/// The canonical form.
pub(crate) fn profile(name: &str, build: u8) -> Vec<u8> {
    profile_of(&profile_text(name, build))
}

pub(crate) fn profile_of(text: &str) -> Vec<u8> {
    let read = AttestationProfile::from_json(&json(text));
    read.unwrap().canonical_bytes()
}

pub(crate) fn digest(profile: &[u8]) -> Hash {
    vault_encoding::Domain::AttestationProfile.hash(&[profile])
}

/// An enclave of this build, and nothing else.
pub(crate) fn enclave(build: u8) -> Caller {
    Caller::new(None, Some(evidence(build))).unwrap()
}

pub(crate) fn evidence(build: u8) -> VerifiedEvidence {
    VerifiedEvidence::assertion(EvidenceClaims {
        tee: Tee::Sgx(SgxFacts {
            mrenclave: Measurement(Hash([build; 32])),
            mrsigner: Measurement(Hash([2; 32])),
            isv_prod_id: 0,
            isv_svn: 0,
        }),
        platform_id: PlatformId(Hash([3; 32])),
        config_merkle_root: None,
        oids: Vec::new(),
        tcb_status: TcbStatus::UpToDate,
        advisories: Vec::new(),
        tcb_evaluation_data_number: 0,
        tcb_date: UnixSeconds(0),
        collateral_issued_at: UnixSeconds(0),
        simulated: true,
    })
}

/// A vault with one such key of alice's.
pub(crate) fn with_key(policy: &KeyPolicy) -> (Bench, KeyInfo) {
    let mut bench = Bench::new();
    let info = add_key(&mut bench, policy, 1);
    (bench, info)
}

pub(crate) fn add_key(bench: &mut Bench, policy: &KeyPolicy, number: u8) -> KeyInfo {
    let mut create = creation("alice", KeyType::HmacSha256, "owner", number);
    create.policy = policy.canonical_bytes().to_vec();
    let reply = bench.call(&owner("alice"), Request::CreateKey(create));
    match reply.unwrap().answer {
        Answer::CreateKey(info) => info,
        _ => panic!("another answer"),
    }
}

pub(crate) fn update(key: KeyRef, policy: &KeyPolicy, expected: u64) -> Request {
    Request::UpdatePolicy(UpdatePolicy {
        key,
        policy: policy.canonical_bytes().to_vec(),
        expected_version: PolicyVersion(expected),
    })
}

pub(crate) fn stage(key: KeyRef, profile: &[u8]) -> Request {
    Request::StageProfile(StageProfile {
        key,
        profile: profile.to_vec(),
    })
}

pub(crate) fn promote(key: KeyRef, profile: &[u8], expected: u64) -> Request {
    Request::PromoteProfile(PromoteProfile {
        key,
        digest: digest(profile),
        expected_version: PolicyVersion(expected),
    })
}

pub(crate) fn revoke(key: KeyRef, profile: &[u8]) -> Request {
    Request::RevokeProfile(RevokeProfile {
        key,
        digest: digest(profile),
    })
}

pub(crate) fn schedule(key: KeyRef, window: u64) -> Request {
    Request::ScheduleDeletion(ScheduleDeletion { key, window })
}

pub(crate) fn mac(key: KeyRef) -> Request {
    Request::Mac(Mac {
        key,
        message: vec![1; 4],
    })
}

pub(crate) fn once(key: &str) -> CallContext {
    CallContext {
        idempotency_key: key.into(),
        ..CallContext::default()
    }
}

pub(crate) fn at(second: u64) -> TimeReading {
    TimeReading::Host(UnixSeconds(1_800_000_000 + second))
}

/// What alice sees of her key, whatever it has become.
pub(crate) fn seen(bench: &mut Bench, key: &KeyInfo) -> Vec<Result<Answer, Code>> {
    let key = own(key);
    let asked = [
        Request::GetKey { key },
        Request::GetPolicy { key },
        Request::ListProfiles { key },
        Request::ListKeys(Default::default()),
    ];
    let tell = |outcome: Result<Reply, Refusal>| {
        outcome
            .map(|reply| reply.answer)
            .map_err(|refusal| refusal.code)
    };
    asked
        .into_iter()
        .map(|request| tell(bench.call(&owner("alice"), request)))
        .collect()
}

/// The same vault from its log, after a look that it is the same from a snapshot too.
pub(crate) fn restarted(mut bench: Bench) -> Bench {
    let snapshot = bench.vault.snapshot().unwrap().unwrap();
    let hash = sha256(&snapshot.payload);
    let at = snapshot.at;
    bench.vault.commit_to_snapshot(hash, &at, &mut Counter(11));
    bench.commit();
    let tail = bench.log.0[at.sequence as usize..].to_vec();
    let opened = OpenedSnapshot {
        at,
        hash,
        payload: snapshot.payload,
    };
    let from_snapshot = boot(Some(opened), &tail).unwrap();
    let from_log = boot(None, &bench.log.0).unwrap();
    assert_eq!(from_snapshot.state_digest(), from_log.state_digest());
    bench.vault = from_snapshot;
    bench.commit();
    bench
}
