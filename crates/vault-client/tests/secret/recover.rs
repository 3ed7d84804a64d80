//! Without the record, and without the owner key.

use crate::support::{Mood, POLICY, World, until};
use vault_client::secret::{Recovery, Secrets};

fn secrets_of(recovery: &Recovery) -> Vec<Vec<u8>> {
    let mut found: Vec<_> = recovery
        .sets
        .iter()
        .map(|set| set.secret.to_vec())
        .collect();
    found.sort();
    found
}

async fn three_secrets(world: &World) {
    world.split("a", b"alpha", 2).await;
    world.split("b", b"beta", 3).await;
    world.split("c", &vec![b'c'; 70_000], 2).await;
}

fn all_three() -> Vec<Vec<u8>> {
    vec![b"alpha".to_vec(), b"beta".to_vec(), vec![b'c'; 70_000]]
}

#[tokio::test]
async fn the_owner_key_alone_finds_every_secret_and_they_can_be_used_again() {
    let world = World::new(4);
    three_secrets(&world).await;
    std::fs::remove_dir_all(world.dir()).unwrap();
    world.vaults[3].set(Mood::Down);
    let secrets = world.secrets();
    let recovery = secrets.recover(&world.vaults).await;
    assert_eq!(secrets_of(&recovery), all_three());
    assert!(recovery.unmatched.is_empty());
    assert_eq!(recovery.failures[0].0, world.vaults[3].id);
    world.vaults[3].set(Mood::Well);
    let beta = recovery.sets.iter().find(|set| set.threshold == 3).unwrap();
    secrets.adopt(beta, "again", POLICY.to_vec()).unwrap();
    assert_eq!(world.read("again").await.unwrap(), b"beta");
    let record = secrets.record("again").unwrap();
    assert_eq!(record.members.len(), 4, "with the one that was down");
    world.vaults[0].set(Mood::Down);
    assert_eq!(world.read("again").await.unwrap(), b"beta");
    world.vaults[0].set(Mood::Well);
    secrets.refresh(&world.vaults, "again", None).await.unwrap();
    assert_eq!(world.read("again").await.unwrap(), b"beta");
}

#[tokio::test]
async fn of_two_generations_the_newest_whole_one_is_found_and_the_other_is_retired() {
    let world = World::new(3);
    world.split("s", b"secret", 2).await;
    world
        .vaults
        .iter()
        .for_each(|v| v.set(Mood::KeepsWhatItShouldDestroy));
    let secrets = world.secrets();
    secrets.refresh(&world.vaults, "s", None).await.unwrap();
    world.vaults.iter().for_each(|vault| vault.set(Mood::Well));
    for (whole, expected) in [(true, 2), (false, 1)] {
        if !whole {
            // A third generation of which one share was stored only, and a second that is lost.
            for vault in [0, 1] {
                let handle = world.handle("s", vault);
                world.vaults[vault].alter(|shares| drop(shares.remove(&handle)));
            }
        }
        let recovery = secrets.recover(&world.vaults).await;
        assert_eq!(recovery.sets.len(), 1);
        let set = &recovery.sets[0];
        assert_eq!(set.generation, Some(expected));
        assert_eq!(set.newest_generation, 2);
        assert_eq!(set.secret.as_slice(), b"secret");
        secrets
            .adopt(set, &format!("from-{expected}"), POLICY.to_vec())
            .unwrap();
    }
    secrets
        .refresh(&world.vaults, "from-1", None)
        .await
        .unwrap();
    assert!(world.vaults.iter().all(|vault| vault.shares().len() == 1));
    assert_eq!(world.read("from-1").await.unwrap(), b"secret");
}

#[tokio::test]
async fn a_wrong_share_is_left_over_and_named_and_the_rest_is_recovered() {
    let world = World::new(4);
    three_secrets(&world).await;
    let handle = world.handle("b", 2);
    world.spoil("b", 2, |share| share[100] ^= 1);
    let recovery = world.secrets().recover(&world.vaults).await;
    assert_eq!(secrets_of(&recovery), all_three());
    assert_eq!(recovery.unmatched, [(world.vaults[2].id, handle)]);
}

#[tokio::test]
async fn without_owner_key_trial_decoding_finds_every_secret_with_all_its_shares() {
    let world = World::new(4);
    three_secrets(&world).await;
    world.vaults[1].set(Mood::Down);
    world.spoil("a", 0, |share| share[1] ^= 1);
    let spoilt = world.handle("a", 0);
    let recovery = Secrets::recover_without_owner(&world.vaults).await;
    assert_eq!(secrets_of(&recovery), all_three());
    assert_eq!(recovery.unmatched, [(world.vaults[0].id, spoilt)]);
    assert!(!recovery.gave_up);
    let of = |len| recovery.sets.iter().find(|set| set.secret.len() == len);
    assert_eq!(of(4).unwrap().threshold, 3);
    assert_eq!(of(4).unwrap().members.len(), 3);
    assert_eq!(of(70_000).unwrap().members.len(), 3);
}

#[tokio::test]
async fn too_few_shares_are_recovered_by_nobody() {
    let world = World::new(3);
    world.split("s", b"secret", 3).await;
    world.vaults[0].set(Mood::Down);
    let with = world.secrets().recover(&world.vaults).await;
    let without = Secrets::recover_without_owner(&world.vaults).await;
    for recovery in [with, without] {
        assert!(recovery.sets.is_empty());
        assert_eq!(recovery.unmatched.len(), 2);
    }
}

#[tokio::test]
async fn what_was_found_without_owner_key_is_not_adopted() {
    let world = World::new(2);
    world.split("s", b"secret", 2).await;
    let recovery = Secrets::recover_without_owner(&world.vaults).await;
    let secrets = world.secrets();
    assert!(secrets.adopt(&recovery.sets[0], "t", Vec::new()).is_err());
}

/// Splits over all vaults, and stops a refresh when two of them have stored their new share.
async fn with_two_new_shares(world: &World) {
    world.split("s", b"secret", 2).await;
    let secrets = world.secrets();
    let stop = world.stop_at(world.vaults.len() + 4);
    let stopped = until(&stop, secrets.refresh(&world.vaults, "s", None)).await;
    assert!(stopped.is_none());
    world.go_on();
    let held: Vec<_> = world.stored().iter().map(|shares| shares.len()).collect();
    assert_eq!(held[..3], [2, 2, 1]);
}

#[tokio::test]
async fn a_complete_generation_is_taken_before_a_newer_one_that_never_came_into_force() {
    let world = World::new(3);
    with_two_new_shares(&world).await;
    let secrets = world.secrets();
    let recovery = secrets.recover(&world.vaults).await;
    let set = &recovery.sets[0];
    assert_eq!((set.generation, set.complete), (Some(1), true));
    assert_eq!(set.newest_generation, 2);
    assert_eq!((set.members.len(), set.retired.len()), (3, 2));
    assert_eq!(set.others, []);
    secrets.adopt(set, "t", POLICY.to_vec()).unwrap();
    secrets.refresh(&world.vaults, "t", None).await.unwrap();
    assert!(world.vaults.iter().all(|vault| vault.shares().len() == 1));
    assert_eq!(world.read("t").await.unwrap(), b"secret");
}

#[tokio::test]
async fn of_two_incomplete_generations_the_one_with_more_shares_is_taken_and_the_other_left() {
    let world = World::new(4);
    with_two_new_shares(&world).await;
    world.vaults[3].alter(|shares| shares.clear());
    let secrets = world.secrets();
    let recovery = secrets.recover(&world.vaults).await;
    let set = &recovery.sets[0];
    assert_eq!((set.generation, set.complete), (Some(1), false));
    assert_eq!((set.members.len(), set.others.len()), (3, 2));
    assert_eq!(set.retired, []);
    secrets.adopt(set, "t", POLICY.to_vec()).unwrap();
    secrets.refresh(&world.vaults, "t", None).await.unwrap();
    for other in &set.others {
        let vault = world.vaults.iter().find(|vault| vault.id == other.vault_id);
        assert!(vault.unwrap().shares().contains_key(&other.handle));
    }
    assert_eq!(world.read("t").await.unwrap(), b"secret");
}

#[tokio::test]
async fn shares_of_two_copies_in_one_generation_are_told_apart() {
    let world = World::new(4);
    world.split("s", b"secret", 2).await;
    let other = world.copy("s");
    let old = world.stored();
    let secrets = world.secrets();
    let stop = world.stop_at(8);
    let stopped = until(&stop, secrets.refresh(&world.vaults, "s", None)).await;
    assert!(stopped.is_none());
    // Two vaults hold one already and are looked at; the other two store theirs.
    let stop = world.stop_at(12);
    let stopped = until(&stop, other.refresh(&world.vaults, "s", None)).await;
    assert!(stopped.is_none());
    world.go_on();
    assert!(world.stored().iter().all(|shares| shares.len() == 2));
    let recovery = secrets.recover(&world.vaults).await;
    let set = &recovery.sets[0];
    assert_eq!((set.generation, set.complete), (Some(1), true));
    // Four shares say that they are the second generation; only two at a time fit together.
    for (vault, old) in world.vaults.iter().zip(&old) {
        vault.alter(|shares| shares.retain(|handle, _| !old.contains_key(handle)));
    }
    let recovery = secrets.recover(&world.vaults).await;
    let set = &recovery.sets[0];
    assert_eq!((set.generation, set.complete), (Some(2), false));
    assert_eq!(set.secret.as_slice(), b"secret");
    assert_eq!((set.members.len(), set.others.len()), (2, 2));
}
