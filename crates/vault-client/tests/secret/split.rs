//! Splitting and getting back.

use crate::support::{Mood, World, failure};
use vault_client::ErrorCode;
use vault_client::secret::{Share, Wait};
use vault_policy::SHARE_CLASSES;

fn secret(len: usize) -> Vec<u8> {
    let mut secret = vec![0; len];
    aws_lc_rs::rand::fill(&mut secret).unwrap();
    secret
}

#[tokio::test]
async fn secrets_of_every_class_come_back_from_any_enough_vaults() {
    for len in [1, 208, 209, 4_048, 16_337, 65_536, 65_537, 262_045, 982_940] {
        let world = World::new(3);
        let secret = secret(len);
        world.split("s", &secret, 2).await;
        for lost in 0..3 {
            world.vaults[lost].set(Mood::Down);
            assert_eq!(
                world.read("s").await.unwrap(),
                secret,
                "{len} without {lost}"
            );
            world.vaults[lost].set(Mood::Well);
        }
        let lengths: Vec<_> = world.vaults.iter().map(|vault| vault.shares()).collect();
        let mut lengths = lengths.iter().flat_map(|shares| shares.values());
        assert!(lengths.all(|share| SHARE_CLASSES.contains(&share.len())));
    }
}

#[tokio::test]
async fn secrets_that_are_empty_or_too_large_are_refused_and_nothing_is_stored() {
    let world = World::new(2);
    for (len, code) in [
        (0, ErrorCode::InvalidArgument),
        (982_941, ErrorCode::TooLarge),
    ] {
        let (secrets, secret) = (world.secrets(), secret(len));
        let split = secrets.split(&world.vaults, "s", &secret, 2, Vec::new());
        assert_eq!(failure(split.await).error.code, code);
    }
    assert!(world.vaults.iter().all(|vault| vault.shares().is_empty()));
    assert!(world.secrets().names().unwrap().is_empty());
}

#[tokio::test]
async fn thresholds_that_protect_nothing_or_cannot_be_met_are_refused() {
    let world = World::new(3);
    for threshold in [0, 1, 4] {
        let split = world.secrets();
        let split = split.split(&world.vaults, "s", b"x", threshold, Vec::new());
        assert_eq!(failure(split.await).error.code, ErrorCode::InvalidArgument);
    }
    let twice = [world.vaults[0].clone(), world.vaults[0].clone()];
    let split = world.secrets();
    let split = split.split(&twice, "s", b"x", 2, Vec::new()).await;
    assert_eq!(failure(split).error.code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let world = World::new(2);
    world.split("s", b"first", 2).await;
    let secrets = world.secrets();
    let again = secrets.split(&world.vaults, "s", b"second", 2, Vec::new());
    assert_eq!(failure(again.await).error.code, ErrorCode::AlreadyExists);
    assert_eq!(world.read("s").await.unwrap(), b"first");
    for name in ["", ".s", "a/b", "..", "a b", &"x".repeat(65)] {
        let split = secrets.split(&world.vaults, name, b"x", 2, Vec::new());
        assert_eq!(failure(split.await).error.code, ErrorCode::InvalidArgument);
    }
}

#[tokio::test]
async fn a_split_that_one_vault_refuses_leaves_nothing_and_says_who() {
    let world = World::new(4);
    world.vaults[2].set(Mood::StoresNothing);
    let secrets = world.secrets();
    let split = secrets.split(&world.vaults, "s", b"x", 2, Vec::new());
    let failed = failure(split.await);
    assert_eq!(failed.error.code, ErrorCode::TooFewVaults);
    let refused: Vec<_> = failed
        .not_prepared
        .iter()
        .map(|(vault, _)| *vault)
        .collect();
    assert_eq!(refused, world.ids([2]));
    assert!(world.vaults.iter().all(|vault| vault.shares().is_empty()));
    let read = failure(world.read("s").await);
    assert_eq!(read.error.code, ErrorCode::NotFound);
    world.vaults[2].set(Mood::Well);
    world.split("s", b"x", 2).await;
    assert_eq!(world.read("s").await.unwrap(), b"x");
}

#[tokio::test]
async fn one_vault_too_few_is_named_as_that() {
    let world = World::new(4);
    world.split("s", b"x", 3).await;
    world.vaults[0].set(Mood::Down);
    assert_eq!(world.read("s").await.unwrap(), b"x");
    world.vaults[3].set(Mood::Down);
    let failed = failure(world.read("s").await);
    assert_eq!(failed.error.code, ErrorCode::TooFewVaults);
    assert_eq!(failed.collected.missing(), world.ids([0, 3]));
    assert!(failed.collected.wrong().is_empty());
}

#[tokio::test]
async fn a_vault_that_hangs_does_not_delay_when_enough_others_answer() {
    let world = World::new(4);
    world.split("s", b"x", 2).await;
    world.vaults[0].set(Mood::Hangs);
    world.vaults[1].set(Mood::Down);
    let secrets = world.secrets();
    let found = secrets.reconstruct(&world.vaults, "s", Wait::Enough).await;
    let found = found.unwrap_or_else(|failed| panic!("{failed}"));
    assert_eq!(found.secret.as_slice(), b"x");
    assert_eq!(found.collected.used(), world.ids([2, 3]));
    assert_eq!(found.collected.missing(), world.ids([1]));
    assert_eq!(
        found.collected.shares[0],
        (world.vaults[0].id, Share::Unasked)
    );
}

#[tokio::test(start_paused = true)]
async fn patience_judges_the_others_and_ends_with_those_that_hang() {
    let world = World::new(5);
    world.split("s", b"x", 2).await;
    world.vaults[1].set(Mood::Hangs);
    world.spoil("s", 4, |share| share[9] ^= 1);
    let secrets = world.secrets();
    let patience = Wait::Patience(std::time::Duration::from_secs(1));
    let found = secrets.reconstruct(&world.vaults, "s", patience).await;
    let found = found.unwrap_or_else(|failed| panic!("{failed}"));
    assert_eq!(found.collected.wrong(), world.ids([4]));
    assert_eq!(found.collected.shares[1].1, Share::Unasked);
}
