//! Changes of a key that managers approve: what it takes, and what an approval is worth when the key changes
//! between its steps.

use crate::common::changing::{
    digest, profile, promote, restarted, revoke, schedule, stage, update,
};
use crate::common::{Bench, Counter, person};
use crate::world::{
    Managers, SIGNING, Terms, ann, approve, begin, create, pinned, policy, refused, with,
};
use vault_approval::{Approval, ApprovalRequest, Statement};
use vault_core::api::{KeyRef, KeyState};
use vault_core::{Answer, Authorized, CallContext, Code, Operated, Position, Request};
use vault_policy::{KeyPolicy, KeyType, PolicyVersion};

const BUILD: u8 = 7;

fn world(terms: &Terms) -> (Bench, Managers, KeyRef) {
    let (mut bench, managers) = (Bench::new(), Managers::new());
    let policy = policy(&managers, SIGNING, terms);
    let info = create(&mut bench, &policy, KeyType::P256Signing, 1);
    (bench, managers, pinned(&info))
}

/// Another policy of the same managers.
fn other(managers: &Managers) -> KeyPolicy {
    let terms = Terms {
        fresh_for: 200,
        ..Terms::default()
    };
    policy(managers, SIGNING, &terms)
}

fn to_update(policy: &KeyPolicy) -> ApprovalRequest {
    ApprovalRequest::UpdatePolicy {
        expected_version: PolicyVersion(1),
        new_policy_hash: policy.hash(),
    }
}

fn to_promote() -> ApprovalRequest {
    ApprovalRequest::PromoteProfile {
        policy_version: PolicyVersion(1),
        profile_digest: digest(&profile("app", BUILD)),
    }
}

fn once_with(approval: Approval) -> CallContext {
    CallContext {
        idempotency_key: "once".into(),
        ..with(approval)
    }
}

#[test]
fn an_update_takes_the_owner_and_managers_who_approved_this_very_policy() {
    let (mut bench, m, key) = world(&Terms::default());
    let (new, ann) = (other(&m), ann());
    let request = update(key, &new, 1);
    assert_eq!(
        refused(bench.call(&ann, request.clone())).0,
        Code::UpdateRefused
    );
    assert_eq!(bench.entries().pop().unwrap().reason, "approval_missing");
    // Of another policy, of another version, of nobody who counts.
    let shorter = policy(
        &m,
        SIGNING,
        &Terms {
            fresh_for: 100,
            ..Terms::default()
        },
    );
    let begun = begin(&mut bench, &ann, key, &to_update(&shorter), 0).unwrap();
    let approval = approve(&begun, &[&m.bob]);
    let outcome = bench.with(&ann, request.clone(), with(approval));
    assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    let begun = begin(&mut bench, &ann, key, &to_update(&new), 0).unwrap();
    let outcome = bench.with(&ann, request.clone(), with(approve(&begun, &[&m.mallory])));
    assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    let begun = begin(&mut bench, &ann, key, &to_update(&new), 0).unwrap();
    let approval = approve(&begun, &[&m.bob]);
    let first = bench
        .with(&ann, request.clone(), once_with(approval.clone()))
        .unwrap();
    let Answer::UpdatePolicy {
        policy_hash,
        policy_version,
    } = first.answer.clone()
    else {
        panic!("another answer")
    };
    assert_eq!(
        (policy_hash, policy_version),
        (new.hash(), PolicyVersion(2))
    );
    assert_eq!(bench.entries().pop().unwrap().approvals.len(), 2);
    // The nonce is spent: the call is answered again, and not made again.
    let mut bench = restarted(bench);
    let size = bench.vault.size();
    let repeat = bench
        .with(&ann, request.clone(), once_with(approval.clone()))
        .unwrap();
    assert!(repeat.answer == first.answer);
    assert_eq!(bench.vault.size(), size);
    assert_eq!(
        refused(bench.with(&ann, request, with(approval))).0,
        Code::ApprovalRefused
    );
}

#[test]
fn a_promotion_takes_the_owner_and_managers_who_approved_the_whole_profile() {
    let (mut bench, m, key) = world(&Terms::default());
    let (ann, proposal) = (ann(), profile("app", BUILD));
    bench.call(&ann, stage(key, &proposal)).unwrap();
    bench.call(&ann, stage(key, &profile("app", 8))).unwrap();
    let request = promote(key, &proposal, 1);
    assert_eq!(
        refused(bench.call(&ann, request.clone())).0,
        Code::UpdateRefused
    );
    let begun = begin(&mut bench, &ann, key, &to_promote(), 0).unwrap();
    let outcome = bench.with(
        &ann,
        promote(key, &profile("app", 8), 1),
        with(approve(&begun, &[&m.bob])),
    );
    assert_eq!(refused(outcome).0, Code::ApprovalRefused);
    let begun = begin(&mut bench, &ann, key, &to_promote(), 0).unwrap();
    let reply = bench
        .with(&ann, request, with(approve(&begun, &[&m.carol])))
        .unwrap();
    assert!(matches!(
        reply.answer,
        Answer::PromoteProfile {
            policy_version: PolicyVersion(2),
            ..
        }
    ));
}

#[test]
fn an_owner_with_a_second_factor_needs_it_for_every_change_and_a_manager_keeps_the_key_without() {
    let (mut bench, m, key) = world(&Terms {
        factor: true,
        ..Terms::default()
    });
    let (ann, proposal) = (ann(), profile("app", BUILD));
    let profile_digest = digest(&proposal);
    let changes = [
        (
            stage(key, &proposal),
            ApprovalRequest::StageProfile {
                policy_version: PolicyVersion(1),
                profile_digest,
            },
        ),
        (
            revoke(key, &proposal),
            ApprovalRequest::RevokeProfile { profile_digest },
        ),
        (schedule(key, 60), ApprovalRequest::DeleteKey { window: 60 }),
        (
            Request::CancelDeletion { key },
            ApprovalRequest::CancelDeletion,
        ),
    ];
    for (request, asked) in changes {
        let without = bench.call(&ann, request.clone());
        assert_eq!(refused(without).0, Code::PolicyDenied, "{asked:?}");
        assert_eq!(bench.entries().pop().unwrap().reason, "second_factor");
        let begun = begin(&mut bench, &ann, key, &asked, 0).unwrap();
        let approval = approve(&begun, &[&m.factor]);
        assert!(
            bench.with(&ann, request, with(approval)).is_ok(),
            "{asked:?}"
        );
    }
    let begun = begin(
        &mut bench,
        &ann,
        key,
        &ApprovalRequest::DeleteKey { window: 60 },
        0,
    )
    .unwrap();
    bench
        .with(&ann, schedule(key, 60), with(approve(&begun, &[&m.factor])))
        .unwrap();
    let kept = bench
        .call(&person("dave", &[]), Request::CancelDeletion { key })
        .unwrap();
    assert!(matches!(
        kept.answer,
        Answer::CancelDeletion {
            state: KeyState::Enabled
        }
    ));
}

/// What happens beside a promotion.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Beside {
    Revoke,
    StageAgain,
    StageAnother,
    Update,
    Promote,
    Schedule,
    Destroy,
}

const BESIDE: [Beside; 7] = [
    Beside::Revoke,
    Beside::StageAgain,
    Beside::StageAnother,
    Beside::Update,
    Beside::Promote,
    Beside::Schedule,
    Beside::Destroy,
];

#[derive(Clone, Copy, PartialEq, Debug)]
struct Model {
    version: u64,
    staged: bool,
    in_use: bool,
}

impl Model {
    fn after(self, call: Beside) -> Option<Self> {
        let stands = self.version == 1;
        let next = match call {
            Beside::Revoke if self.staged => Self {
                staged: false,
                ..self
            },
            Beside::StageAgain => Self {
                staged: true,
                ..self
            },
            Beside::StageAnother => self,
            Beside::Update if stands => Self { version: 2, ..self },
            Beside::Promote if stands && self.staged => Self {
                version: 2,
                staged: false,
                ..self
            },
            Beside::Schedule | Beside::Destroy => Self {
                in_use: false,
                ..self
            },
            Beside::Revoke | Beside::Update | Beside::Promote => return None,
        };
        self.in_use.then_some(next)
    }
}

enum Stage {
    Asked,
    Judged(Authorized, Model),
    Done(Operated, Model),
    Recorded,
}

struct Race<'a> {
    bench: Bench,
    managers: &'a Managers,
    key: KeyRef,
    model: Model,
}

impl Race<'_> {
    fn request(&self, call: Beside) -> Request {
        let (key, proposal) = (self.key, profile("app", BUILD));
        match call {
            Beside::Revoke => revoke(key, &proposal),
            Beside::StageAgain => stage(key, &proposal),
            Beside::StageAnother => stage(key, &profile("app", 8)),
            Beside::Update => update(key, &other(self.managers), 1),
            Beside::Promote => promote(key, &proposal, 1),
            Beside::Schedule => schedule(key, 60),
            Beside::Destroy => schedule(key, 0),
        }
    }

    /// Begun and approved, if that takes an approval and can be begun.
    fn approved(&mut self, call: Beside) -> CallContext {
        let asked = match call {
            Beside::Update => to_update(&other(self.managers)),
            Beside::Promote => to_promote(),
            _ => return CallContext::default(),
        };
        let begun: Option<Statement> = begin(&mut self.bench, &ann(), self.key, &asked, 0).ok();
        assert!(begun.is_some() || !self.model.in_use, "{call:?}");
        begun.map_or_else(CallContext::default, |begun| {
            with(approve(&begun, &[&self.managers.bob]))
        })
    }

    fn step(&mut self, stage: Stage, call: Beside, context: &CallContext) -> Stage {
        match stage {
            Stage::Asked => {
                let request = self.request(call);
                let now = self.bench.now;
                let judged = self.bench.vault.authorize(&ann(), request, context, now);
                Stage::Judged(judged, self.model)
            }
            Stage::Judged(judged, at) => Stage::Done(judged.operate(&mut Counter(77)), at),
            Stage::Done(done, at) => {
                let size = self.bench.vault.size();
                drop(self.bench.vault.record(done));
                let leaf = self.bench.vault.leaf(size).unwrap();
                let allowed = vault_audit::Entry::from_leaf(&leaf).unwrap().allowed;
                let same = (at.version, at.in_use) == (self.model.version, self.model.in_use);
                let after = self
                    .model
                    .after(call)
                    .filter(|_| same && at.after(call).is_some());
                assert_eq!(allowed, after.is_some(), "{call:?} {at:?} {:?}", self.model);
                self.model = after.unwrap_or(self.model);
                Stage::Recorded
            }
            Stage::Recorded => Stage::Recorded,
        }
    }
}

/// All ways to put three steps of another call between four of a promotion: begun, judged, done, recorded.
fn orders() -> Vec<Vec<bool>> {
    (0u32..1 << 7)
        .filter(|bits| bits.count_ones() == 3)
        .map(|bits| (0..7).map(|at| bits >> at & 1 == 1).collect())
        .collect()
}

#[test]
fn t_toctou_an_approved_promotion_beside_every_other_change_in_every_order_of_their_steps() {
    let (mut bench, managers, key) = world(&Terms::default());
    bench
        .call(&ann(), stage(key, &profile("app", BUILD)))
        .unwrap();
    let log: Vec<(Position, Vec<u8>)> = bench.log.0;
    let (mut runs, mut promoted) = (0, 0);
    for beside in BESIDE {
        for order in orders() {
            let mut race = Race {
                bench: Bench::over(log.clone()),
                managers: &managers,
                key,
                model: Model {
                    version: 1,
                    staged: true,
                    in_use: true,
                },
            };
            let other = race.approved(beside);
            let (mut mine, mut theirs) = (None, Stage::Asked);
            let mut context = CallContext::default();
            for is_theirs in order {
                match (is_theirs, mine.take()) {
                    (true, stage) => {
                        mine = stage;
                        theirs = race.step(theirs, beside, &other);
                    }
                    (false, None) => {
                        context = race.approved(Beside::Promote);
                        mine = Some(Stage::Asked);
                    }
                    (false, Some(stage)) => {
                        let before = race.model;
                        mine = Some(race.step(stage, Beside::Promote, &context));
                        promoted += usize::from(race.model.version > before.version);
                    }
                }
            }
            runs += 1;
            race.bench.commit();
            let again = Bench::over(race.bench.log.0.clone());
            assert_eq!(again.vault.census(), race.bench.vault.census());
        }
    }
    println!(
        "T-TOCTOU approvals: {runs} orders, {promoted} with the promotion, and the others refused for a cause"
    );
    assert_eq!(runs, 7 * 35);
    assert!(promoted > 20);
}
