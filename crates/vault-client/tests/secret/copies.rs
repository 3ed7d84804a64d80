//! Two copies of one record, and a generation that not every vault took.

use crate::support::{Mood, World, failure, until};
use vault_client::ErrorCode;

const SECRET: &[u8] = b"two drawers, one secret";

#[tokio::test]
async fn two_copies_of_a_record_that_begin_the_same_generation_destroy_nothing_of_each_other() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    let other = world.copy("s");
    let old = world.stored();
    let secrets = world.secrets();
    secrets.refresh(&world.vaults, "s", None).await.unwrap();
    // As if the old shares had not been destroyed yet when the copy is used.
    world.restore(&old);
    let failed = failure(other.refresh(&world.vaults, "s", None).await);
    let codes: Vec<_> = failed.not_prepared.iter().map(|(_, e)| e.code).collect();
    assert_eq!(codes, [ErrorCode::AlreadyExists; 3]);
    assert_eq!(failed.not_retired, []);
    assert_eq!(world.read("s").await.unwrap(), SECRET);
}

#[tokio::test]
async fn a_stale_copy_that_is_refused_destroys_nothing_of_the_generation_in_force() {
    let moods = [
        Mood::RefusesToStore(ErrorCode::PolicyInvalid),
        Mood::RefusesToStore(ErrorCode::SenderConstraintRequired),
        Mood::RefusesToStore(ErrorCode::Timeout),
        Mood::RefusesToStore(ErrorCode::Unavailable),
    ];
    for mood in moods {
        let world = World::new(3);
        world.split("s", SECRET, 2).await;
        let other = world.copy("s");
        let old = world.stored();
        let secrets = world.secrets();
        secrets.refresh(&world.vaults, "s", None).await.unwrap();
        let inforce = world.stored();
        // The copy has read the old generation when the other one destroys it.
        world.restore(&old);
        world.vaults.iter().for_each(|vault| vault.set(mood));
        let failed = failure(other.refresh(&world.vaults, "s", None).await);
        assert_eq!(failed.error.code, ErrorCode::TooFewVaults);
        assert_eq!(failed.not_prepared.len(), 3);
        assert_eq!(failed.not_retired, []);
        assert!(world.holds(&inforce));
        assert!(other.record("s").unwrap().retired.is_empty());
        // Nor with its next change, when it has a generation of its own.
        world.vaults.iter().for_each(|vault| vault.set(Mood::Well));
        other.refresh(&world.vaults, "s", None).await.unwrap();
        assert!(world.holds(&inforce));
        assert!(other.record("s").unwrap().begun.is_empty());
        assert_eq!(world.read("s").await.unwrap(), SECRET);
    }
}

#[tokio::test]
async fn a_stale_copy_that_cannot_see_what_is_there_leaves_it_and_says_so() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    let other = world.copy("s");
    let old = world.stored();
    let secrets = world.secrets();
    secrets.refresh(&world.vaults, "s", None).await.unwrap();
    let inforce = world.stored();
    world.restore(&old);
    // The third vault answers nothing any more, but would destroy what it is told to.
    world.vaults[2].set(Mood::TimesOut);
    let failed = failure(other.refresh(&world.vaults, "s", None).await);
    assert_eq!(failed.not_prepared.len(), 3);
    let unsure: Vec<_> = failed.not_retired.iter().map(|(vault, _)| *vault).collect();
    assert_eq!(unsure, world.ids([2]));
    world.vaults[2].set(Mood::Well);
    assert!(world.holds(&inforce));
}

#[tokio::test]
async fn a_stale_copy_that_was_stopped_destroys_nothing_of_the_generation_in_force_later() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    let other = world.copy("s");
    let old = world.stored();
    // It has read the three shares, and stored nothing yet.
    let stop = world.stop_at(3);
    let stopped = until(&stop, other.refresh(&world.vaults, "s", None)).await;
    assert!(stopped.is_none());
    world.go_on();
    assert!(other.record("s").unwrap().preparing.is_some());
    let secrets = world.secrets();
    secrets.refresh(&world.vaults, "s", None).await.unwrap();
    let inforce = world.stored();
    world.restore(&old);
    other.refresh(&world.vaults, "s", None).await.unwrap();
    assert!(world.holds(&inforce));
    assert_eq!(world.read("s").await.unwrap(), SECRET);
}

#[tokio::test]
async fn a_share_whose_answer_was_lost_is_taken_back_when_the_generation_is_abandoned() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    world.vaults[1].set(Mood::LosesAnswers);
    let secrets = world.secrets();
    let failed = failure(secrets.refresh(&world.vaults, "s", None).await);
    assert_eq!(failed.not_prepared.len(), 1);
    assert_eq!(failed.not_prepared[0].0, world.vaults[1].id);
    assert!(world.vaults.iter().all(|vault| vault.shares().len() == 1));
    assert!(secrets.record("s").unwrap().retired.is_empty());
    assert!(secrets.record("s").unwrap().begun.is_empty());
    assert_eq!(world.read("s").await.unwrap(), SECRET);
}

#[tokio::test]
async fn a_share_that_nobody_could_look_at_is_told_remembered_and_taken_back_later() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    world.vaults[1].set(Mood::Mute);
    let secrets = world.secrets();
    let failed = failure(secrets.refresh(&world.vaults, "s", None).await);
    assert_eq!(failed.not_retired.len(), 1);
    assert_eq!(failed.not_retired[0].0, world.vaults[1].id);
    assert_eq!(world.vaults[1].shares().len(), 2);
    assert_eq!(secrets.record("s").unwrap().begun.len(), 1);
    world.vaults[1].set(Mood::Well);
    let done = secrets.refresh(&world.vaults, "s", None).await.unwrap();
    assert_eq!(done.not_retired, []);
    assert!(done.record.begun.is_empty());
    assert!(world.vaults.iter().all(|vault| vault.shares().len() == 1));
    assert_eq!(world.read("s").await.unwrap(), SECRET);
}

#[tokio::test]
async fn a_failed_change_leaves_alone_what_was_left_before() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    world.vaults[0].set(Mood::KeepsWhatItShouldDestroy);
    let secrets = world.secrets();
    secrets.refresh(&world.vaults, "s", None).await.unwrap();
    world.vaults[0].set(Mood::Well);
    world.vaults[2].set(Mood::StoresNothing);
    let before = world.stored();
    failure(secrets.refresh(&world.vaults, "s", None).await);
    assert_eq!(world.stored(), before);
    assert_eq!(secrets.record("s").unwrap().retired.len(), 1);
}
