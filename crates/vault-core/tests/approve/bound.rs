//! T-APPROVE: of one valid approval, each bound field is mutated, singly and in pairs, and it is used again, at
//! another vault, on another key, after a start, after its time, on another connection. None is accepted.

use crate::common::{Bench, Counter, boot, signer};
use crate::mutation::{
    ASSERTED, BROUGHT, CALLED, Keys, Mutation, SIGNED, approval, as_begun, attempt, spends,
};
use crate::world::{
    MESSAGE, Managers, SIGNING, Terms, approve, begin, create, pinned, policy, refused, service,
    sign, sign_request, with,
};
use vault_core::api::KeyRef;
use vault_core::{BootInput, Code, Request, SignatureFormat, Vault};
use vault_policy::KeyType;

fn keys(bench: &mut Bench, managers: &Managers) -> Keys {
    let same = policy(managers, SIGNING, &Terms::default());
    let terms = Terms {
        fresh_for: 299,
        ..Terms::default()
    };
    let other = policy(managers, SIGNING, &terms);
    Keys {
        first: create(bench, &same, KeyType::P256Signing, 1),
        second: create(bench, &same, KeyType::P256Signing, 2),
        other: create(bench, &other, KeyType::P256Signing, 3),
    }
}

/// A vault of another identity with the same keys by handle.
fn another_vault(managers: &Managers) -> (Bench, Keys) {
    let (signer, key) = signer(8);
    let input = BootInput {
        identity_spki: key.to_spki(),
        signer,
        config: crate::common::config(),
        boot_id: [9; 16],
        snapshot: None,
        groups: Vec::new(),
        now: crate::common::NOW,
    };
    let mut bench = Bench {
        vault: Vault::boot(input, &mut Counter(6)).unwrap(),
        log: Default::default(),
        rng: Counter(9),
        now: crate::common::NOW,
    };
    bench.commit();
    let keys = keys(&mut bench, managers);
    (bench, keys)
}

struct Tries {
    here: Bench,
    there: Bench,
    managers: Managers,
    keys: Keys,
    keys_there: Keys,
    tried: usize,
    replayed: usize,
}

impl Tries {
    fn new() -> Self {
        let managers = Managers::new();
        let mut here = Bench::new();
        let keys = keys(&mut here, &managers);
        let (there, keys_there) = another_vault(&managers);
        Self {
            there,
            keys_there,
            here,
            keys,
            managers,
            tried: 0,
            replayed: 0,
        }
    }

    /// The same of the other vault's key of this handle.
    fn at_home_there(&self, request: Request) -> Request {
        let keys = [
            &self.keys_there.first,
            &self.keys_there.second,
            &self.keys_there.other,
        ];
        let same = |key: &KeyRef| {
            let found = keys.iter().find(|info| info.handle == key.handle);
            pinned(found.unwrap())
        };
        match request {
            Request::Sign(mut sign) => {
                sign.key = same(&sign.key);
                Request::Sign(sign)
            }
            Request::GetPublicKey { key, version } => Request::GetPublicKey {
                key: same(&key),
                version,
            },
            _ => panic!("no such call is tried"),
        }
    }

    /// One approval, used with these mutations; then as it was given, which is accepted if and only if the
    /// nonce was not spent.
    fn attempt(&mut self, mutations: &[&Mutation]) {
        let names: Vec<_> = mutations.iter().map(|(name, _)| *name).collect();
        let key = pinned(&self.keys.first);
        let request = sign_request();
        let begun = begin(&mut self.here, &service(), key, &request, 0).unwrap();
        let mut used = as_begun(&begun, &self.keys);
        for (_, mutate) in mutations {
            mutate(&mut used, &self.keys);
        }
        let made = approval(&used, &begun, &self.managers);
        let bench = match used.elsewhere {
            true => {
                used.request = self.at_home_there(used.request);
                &mut self.there
            }
            false => &mut self.here,
        };
        let outcome = attempt(bench, used, made);
        self.tried += 1;
        assert!(outcome.is_err(), "{names:?} was accepted");

        let plain = as_begun(&begun, &self.keys);
        let made = approval(&plain, &begun, &self.managers);
        let outcome = attempt(&mut self.here, plain, made);
        match names.iter().all(|name| spends(name)) {
            true => {
                self.replayed += 1;
                let (code, _) = refused(outcome);
                assert_eq!(
                    code,
                    Code::ApprovalRefused,
                    "{names:?} did not spend the nonce"
                );
            }
            false => assert!(outcome.is_ok(), "{names:?} spent another's nonce"),
        }
    }
}

#[test]
fn t_approve_no_mutation_of_a_valid_approval_is_accepted() {
    let mut tries = Tries::new();
    let all: Vec<_> = [SIGNED, ASSERTED, BROUGHT, CALLED].concat();
    for mutation in &all {
        tries.attempt(&[mutation]);
    }
    let singly = tries.tried;
    for (number, one) in all.iter().enumerate() {
        for other in &all[number + 1..] {
            tries.attempt(&[one, other]);
        }
    }
    println!(
        "T-APPROVE: {} mutations: {singly} singly and {} in pairs tried, {} used again as given; 0 accepted",
        all.len(),
        tries.tried - singly,
        tries.replayed,
    );
    assert_eq!(tries.tried, all.len() * (all.len() + 1) / 2);
}

#[test]
fn t_approve_a_valid_approval_is_good_once() {
    let mut tries = Tries::new();
    let key = pinned(&tries.keys.first);
    let begun = begin(&mut tries.here, &service(), key, &sign_request(), 0).unwrap();
    let made = approve(&begun, &[&tries.managers.bob]);
    let call = |bench: &mut Bench| {
        let request = sign(key, MESSAGE, SignatureFormat::P1363);
        bench.with(&service(), request, with(made.clone()))
    };
    assert!(call(&mut tries.here).is_ok());
    for _ in 0..3 {
        assert_eq!(refused(call(&mut tries.here)).0, Code::ApprovalRefused);
    }
}

#[test]
fn t_approve_a_restart_and_an_older_copy_of_the_log_void_every_approval() {
    let mut tries = Tries::new();
    let key = pinned(&tries.keys.first);
    let older = tries.here.log.0.clone();
    let begun = begin(&mut tries.here, &service(), key, &sign_request(), 0).unwrap();
    let whole = tries.here.log.0.clone();
    for log in [whole, older] {
        let vault = boot(None, &log).unwrap();
        let mut again = Bench {
            vault,
            log: crate::common::MemoryLog(log),
            rng: Counter(4),
            now: crate::common::NOW,
        };
        again.commit();
        let request = sign(key, MESSAGE, SignatureFormat::P1363);
        let made = approve(&begun, &[&tries.managers.bob]);
        let outcome = again.with(&service(), request, with(made));
        assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    }
    let request = sign(key, MESSAGE, SignatureFormat::P1363);
    let made = approve(&begun, &[&tries.managers.bob]);
    assert!(tries.here.with(&service(), request, with(made)).is_ok());
}

#[test]
fn t_approve_every_call_spends_the_nonce_that_it_brings() {
    let mut tries = Tries::new();
    let key = pinned(&tries.keys.first);
    let others = [
        Request::WhoAmI,
        Request::GetCheckpoint,
        Request::ReadLog { from: 0, to: 0 },
        Request::ListKeys(Default::default()),
        Request::GetKey { key },
        Request::GetPolicy { key },
        Request::Simulate {
            key,
            request: sign_request().canonical_bytes(),
        },
        Request::BeginApproval {
            key,
            request: sign_request().canonical_bytes(),
            valid_for: 0,
        },
    ];
    for request in others {
        let begun = begin(&mut tries.here, &service(), key, &sign_request(), 0).unwrap();
        let made = approve(&begun, &[&tries.managers.bob]);
        let outcome = tries.here.with(&service(), request, with(made.clone()));
        assert_eq!(refused(outcome).0, Code::ApprovalRefused);
        let request = sign(key, MESSAGE, SignatureFormat::P1363);
        let outcome = tries.here.with(&service(), request, with(made));
        assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    }
}
