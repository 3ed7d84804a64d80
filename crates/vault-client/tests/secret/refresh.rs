//! New generations.

use crate::support::{Mood, POLICY, Seen, World, failure, policy};
use vault_client::ErrorCode;
use vault_client::secret::Wait;
use vault_policy::{Condition, TimeWindow, UnixSeconds};
use vault_shamir::interpolate;

const SECRET: &[u8] = b"correct horse battery staple";

#[tokio::test]
async fn a_refresh_replaces_every_share_and_destroys_the_old_ones() {
    let world = World::new(4);
    world.split("s", SECRET, 2).await;
    let before: Vec<_> = world.vaults.iter().map(|vault| vault.shares()).collect();
    let secrets = world.secrets();
    let done = secrets.refresh(&world.vaults, "s", None).await.unwrap();
    assert_eq!(done.record.generation, 2);
    assert_eq!(done.retired, world.ids(0..4));
    assert!(done.not_retired.is_empty() && done.record.retired.is_empty());
    for (vault, before) in world.vaults.iter().zip(&before) {
        let after = vault.shares();
        assert_eq!(after.len(), 1);
        assert!(after.keys().all(|handle| !before.contains_key(handle)));
    }
    assert_eq!(world.read("s").await.unwrap(), SECRET);
}

#[tokio::test]
async fn stolen_old_shares_one_too_few_combine_with_no_new_ones() {
    let world = World::new(4);
    world.split("s", SECRET, 3).await;
    let old: Vec<_> = world
        .vaults
        .iter()
        .flat_map(|vault| vault.shares())
        .collect();
    let secrets = world.secrets();
    secrets.refresh(&world.vaults, "s", None).await.unwrap();
    let new: Vec<_> = world
        .vaults
        .iter()
        .flat_map(|vault| vault.shares())
        .collect();
    let point = |(_, blob): &(_, Vec<u8>)| (blob[0], blob[1..269].to_vec());
    for stolen in [1, 2] {
        for first in 0..4 {
            let mixed = old.iter().skip(first).take(stolen).map(point);
            let mixed: Vec<_> = mixed.chain(new.iter().map(point)).take(3).collect();
            let points: Vec<_> = mixed.iter().map(|(x, y)| (*x, y.as_slice())).collect();
            if let Ok(found) = interpolate(&points, 0) {
                assert!(!found.windows(SECRET.len()).any(|window| window == SECRET));
                assert_ne!(&found[..8], b"EVSHARE1");
            }
        }
    }
    let whole: Vec<_> = new.iter().map(point).take(3).collect();
    let points: Vec<_> = whole.iter().map(|(x, y)| (*x, y.as_slice())).collect();
    let found = interpolate(&points, 0).unwrap();
    assert!(found.windows(SECRET.len()).any(|window| window == SECRET));
}

#[tokio::test]
async fn what_could_not_be_retired_is_told_remembered_and_tried_again() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    world.vaults[1].set(Mood::KeepsWhatItShouldDestroy);
    let secrets = world.secrets();
    let done = secrets.refresh(&world.vaults, "s", None).await.unwrap();
    assert_eq!(done.retired, world.ids([0, 2]));
    assert_eq!(done.not_retired[0].0, world.vaults[1].id);
    assert_eq!(secrets.record("s").unwrap().retired.len(), 1);
    assert_eq!(world.vaults[1].shares().len(), 2);
    world.vaults[1].set(Mood::Well);
    let done = secrets.refresh(&world.vaults, "s", None).await.unwrap();
    assert!(done.not_retired.is_empty());
    assert!(world.vaults.iter().all(|vault| vault.shares().len() == 1));
    assert!(secrets.record("s").unwrap().retired.is_empty());
}

#[tokio::test]
async fn a_refresh_that_one_vault_does_not_take_changes_nothing_and_says_who() {
    for mood in [Mood::Down, Mood::StoresNothing] {
        let world = World::new(3);
        world.split("s", SECRET, 2).await;
        world.vaults[2].set(mood);
        let secrets = world.secrets();
        let failed = failure(secrets.refresh(&world.vaults, "s", None).await);
        assert_eq!(failed.error.code, ErrorCode::TooFewVaults);
        assert_eq!(failed.not_prepared.len(), 1);
        assert_eq!(failed.not_prepared[0].0, world.vaults[2].id);
        assert_eq!(secrets.record("s").unwrap().generation, 1);
        assert!(world.vaults.iter().all(|vault| vault.shares().len() == 1));
        assert_eq!(world.read("s").await.unwrap(), SECRET);
        world.vaults[2].set(Mood::Well);
        secrets.refresh(&world.vaults, "s", None).await.unwrap();
        assert_eq!(world.read("s").await.unwrap(), SECRET);
    }
}

#[tokio::test]
async fn a_wrong_share_is_replaced_by_a_refresh_and_was_named() {
    let world = World::new(4);
    world.split("s", SECRET, 2).await;
    world.spoil("s", 0, |share| share[77] ^= 4);
    let secrets = world.secrets();
    let done = secrets.refresh(&world.vaults, "s", None).await.unwrap();
    assert_eq!(done.collected.wrong(), world.ids([0]));
    let found = secrets.reconstruct(&world.vaults, "s", Wait::All).await;
    let found = found.unwrap_or_else(|failed| panic!("{failed}"));
    assert!(found.collected.wrong().is_empty());
}

#[tokio::test]
async fn a_repair_leaves_out_lost_vaults_takes_in_new_ones_and_works_with_the_rest_down() {
    let world = World::new(6);
    let secrets = world.secrets();
    let first = &world.vaults[..4];
    let split = secrets.split(first, "s", SECRET, 2, POLICY.to_vec());
    split.await.unwrap();
    world.vaults[0].set(Mood::Down);
    world.vaults[1].set(Mood::Down);
    let (lost, new) = (world.ids([0, 1]), world.ids([4, 5]));
    let done = secrets.repair(&world.vaults, "s", &lost, &new, None).await;
    let done = done.unwrap();
    let members: Vec<_> = done.record.members.iter().map(|m| m.vault_id).collect();
    assert_eq!(members, world.ids([2, 3, 4, 5]));
    assert_eq!(done.collected.missing(), lost);
    let left = done.left_on_departed.iter();
    let left: Vec<_> = left.map(|(vault, _)| *vault).collect();
    assert_eq!(left, lost, "they may still hold an old share");
    assert!(done.not_retired.is_empty());
    world.vaults[2].set(Mood::Down);
    world.vaults[3].set(Mood::Down);
    assert_eq!(world.read("s").await.unwrap(), SECRET);
    // Back again, they lose the old shares with the next change.
    world.vaults.iter().for_each(|vault| vault.set(Mood::Well));
    let done = secrets.refresh(&world.vaults, "s", None).await.unwrap();
    assert!(done.not_retired.is_empty() && done.left_on_departed.is_empty());
    assert!(world.vaults[0].shares().is_empty() && world.vaults[1].shares().is_empty());
}

#[tokio::test]
async fn a_repair_keeps_at_least_as_many_vaults_as_the_threshold() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    let secrets = world.secrets();
    let lost = world.ids([0, 1]);
    let failed = failure(secrets.repair(&world.vaults, "s", &lost, &[], None).await);
    assert_eq!(failed.error.code, ErrorCode::InvalidArgument);
    let member = world.ids([2]);
    let failed = failure(secrets.repair(&world.vaults, "s", &[], &member, None).await);
    assert_eq!(failed.error.code, ErrorCode::InvalidArgument);
    let stranger = World::new(9).ids([8]);
    let failed = failure(
        secrets
            .repair(&world.vaults, "s", &stranger, &[], None)
            .await,
    );
    assert_eq!(failed.error.code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn a_new_policy_goes_to_every_vault_with_the_next_generation() {
    let world = World::new(2);
    world.split("s", SECRET, 2).await;
    let secrets = world.secrets();
    let narrower = policy(|fields| fields.operations[0].name = "narrower".to_owned());
    let refresh = secrets.refresh(&world.vaults, "s", Some(narrower.clone()));
    assert_eq!(refresh.await.unwrap().record.policy, narrower);
    assert_eq!(secrets.record("s").unwrap().policy, narrower);
    for vault in &world.vaults {
        let seen = vault.shelf.seen.lock().unwrap();
        let mut puts = seen.iter().filter_map(|seen| match seen {
            Seen::Put { policy, .. } => Some(policy.clone()),
            _ => None,
        });
        assert_eq!(puts.next_back(), Some(narrower.clone()));
    }
}

#[tokio::test]
async fn a_share_left_on_a_departed_vault_is_told_apart_for_ever_and_destroyed_when_it_is_back() {
    let world = World::new(4);
    let secrets = world.secrets();
    let split = secrets.split(&world.vaults[..3], "s", SECRET, 2, POLICY.to_vec());
    split.await.unwrap();
    world.vaults[0].set(Mood::Down);
    let (lost, new) = (world.ids([0]), world.ids([3]));
    let repair = secrets.repair(&world.vaults, "s", &lost, &new, None);
    repair.await.unwrap();
    // Down, or not even given.
    for holders in [&world.vaults[..], &world.vaults[1..]] {
        let done = secrets.refresh(holders, "s", None).await.unwrap();
        assert_eq!(done.not_retired, []);
        assert_eq!(done.left_on_departed.len(), 1);
        assert_eq!(done.left_on_departed[0].0, lost[0]);
        assert_eq!(done.retired, world.ids([1, 2, 3]));
        assert_eq!(done.record.retired.len(), 1);
    }
    // Where a refresh fails, it is still a departed one's.
    world.vaults[1].set(Mood::StoresNothing);
    let failed = failure(secrets.refresh(&world.vaults, "s", None).await);
    assert_eq!(failed.not_retired, []);
    world.vaults[1].set(Mood::Well);
    // A member again, it is one of those that count.
    world.vaults[0].set(Mood::KeepsWhatItShouldDestroy);
    let done = secrets.repair(&world.vaults, "s", &[], &lost, None).await;
    let done = done.unwrap();
    assert_eq!(done.left_on_departed, []);
    assert_eq!(done.not_retired[0].0, lost[0]);
    world.vaults[0].set(Mood::Well);
    let done = secrets.refresh(&world.vaults, "s", None).await.unwrap();
    assert_eq!((done.not_retired, done.left_on_departed), (vec![], vec![]));
    assert!(world.vaults.iter().all(|vault| vault.shares().len() == 1));
}

#[tokio::test]
async fn a_policy_under_which_nobody_could_read_is_refused_before_anything_is_done() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    let secrets = world.secrets();
    let before = secrets.record("s").unwrap();
    let policies = [
        policy(|fields| fields.lifecycle.sealed_forever = true),
        policy(|fields| {
            fields.lifecycle.sealed_forever = true;
            fields.operations.clear();
        }),
        policy(|fields| fields.operations.clear()),
        policy(|fields| fields.operations[0].condition = Condition::Any(Vec::new())),
        policy(|fields| {
            fields.operations[0].condition = Condition::TimeWindow(TimeWindow {
                from: None,
                until: Some(UnixSeconds(1)),
            });
        }),
        policy(|fields| {
            fields.operations.clear();
            fields.usage.operations.clear();
        }),
        b"{}".to_vec(),
        Vec::new(),
    ];
    let seen = |world: &World| -> Vec<usize> {
        let of = world.vaults.iter();
        of.map(|vault| vault.shelf.seen.lock().unwrap().len())
            .collect()
    };
    let asked = seen(&world);
    for policy in policies {
        let text = String::from_utf8(policy.clone()).unwrap();
        let failed = failure(
            secrets
                .refresh(&world.vaults, "s", Some(policy.clone()))
                .await,
        );
        assert_eq!(failed.error.code, ErrorCode::PolicyInvalid, "{text}");
        let lost = world.ids([2]);
        let repair = secrets.repair(&world.vaults, "s", &lost, &[], Some(policy));
        assert_eq!(failure(repair.await).error.code, ErrorCode::PolicyInvalid);
    }
    assert_eq!(seen(&world), asked);
    assert_eq!(secrets.record("s").unwrap(), before);
    assert_eq!(world.read("s").await.unwrap(), SECRET);
}

#[tokio::test]
async fn a_recorded_policy_under_which_nobody_could_read_is_refused_and_can_be_replaced() {
    let world = World::new(2);
    world.split("s", SECRET, 2).await;
    let secrets = world.secrets();
    let recovery = secrets.recover(&world.vaults).await;
    let sealed = policy(|fields| fields.lifecycle.sealed_forever = true);
    secrets.adopt(&recovery.sets[0], "t", sealed).unwrap();
    let failed = failure(secrets.refresh(&world.vaults, "t", None).await);
    assert_eq!(failed.error.code, ErrorCode::PolicyInvalid);
    let refresh = secrets.refresh(&world.vaults, "t", Some(POLICY.to_vec()));
    refresh.await.unwrap();
    assert_eq!(world.read("t").await.unwrap(), SECRET);
}

#[tokio::test]
async fn a_target_that_is_not_among_the_holders_is_named_and_nothing_is_written() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    let secrets = world.secrets();
    let before = secrets.record("s").unwrap();
    let stored = world.stored();
    let failed = failure(secrets.refresh(&world.vaults[..2], "s", None).await);
    assert_eq!(failed.error.code, ErrorCode::TooFewVaults);
    assert_eq!(failed.not_prepared.len(), 1);
    assert_eq!(failed.not_prepared[0].0, world.vaults[2].id);
    assert_eq!(secrets.record("s").unwrap(), before);
    assert_eq!(world.stored(), stored);
}

#[tokio::test]
async fn a_destroyed_secret_leaves_no_share_and_no_record() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    world.vaults[0].set(Mood::Down);
    let secrets = world.secrets();
    let failed = failure(secrets.destroy(&world.vaults, "s").await);
    assert_eq!(failed.error.code, ErrorCode::Partial);
    assert_eq!(failed.not_retired[0].0, world.vaults[0].id);
    assert_eq!(
        failure(world.read("s").await).error.code,
        ErrorCode::NotFound
    );
    world.vaults[0].set(Mood::Well);
    secrets.destroy(&world.vaults, "s").await.unwrap();
    assert!(world.vaults.iter().all(|vault| vault.shares().is_empty()));
    assert!(secrets.names().unwrap().is_empty());
}
