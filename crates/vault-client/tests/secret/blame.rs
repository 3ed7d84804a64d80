//! Wrong shares are named with their vault, whatever is wrong with them.

use crate::support::{POLICY, World, failure};
use vault_client::ErrorCode;
use vault_client::secret::Wait;
use vault_policy::VaultId;

const SECRET: &[u8] = b"open sesame";

async fn blamed(world: &World) -> (Option<Vec<u8>>, Vec<VaultId>) {
    let secrets = world.secrets();
    match secrets.reconstruct(&world.vaults, "s", Wait::All).await {
        Ok(found) => (Some(found.secret.to_vec()), found.collected.wrong()),
        Err(failed) => (None, failed.collected.wrong()),
    }
}

#[tokio::test]
async fn a_flipped_bit_in_any_byte_is_blamed_on_its_vault() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    let share = &world.vaults[1].shares()[&world.handle("s", 1)];
    for byte in 0..share.len() {
        let bit = 1 << (byte % 8);
        world.spoil("s", 1, |share| share[byte] ^= bit);
        let (secret, wrong) = blamed(&world).await;
        assert_eq!(secret.as_deref(), Some(SECRET), "byte {byte}");
        assert_eq!(wrong, world.ids([1]), "byte {byte}");
        world.spoil("s", 1, |share| share[byte] ^= bit);
    }
    assert_eq!(blamed(&world).await, (Some(SECRET.to_vec()), Vec::new()));
}

#[tokio::test]
async fn a_flipped_bit_in_the_ciphertext_of_a_large_secret_is_blamed() {
    let world = World::new(3);
    let secret = vec![7; 100_000];
    world.split("s", &secret, 2).await;
    let len = world.vaults[0].shares()[&world.handle("s", 0)].len();
    for byte in [
        0,
        1,
        92,
        93,
        96,
        97,
        5_000,
        len - 52,
        len - 51,
        len - 39,
        len - 16,
        len - 1,
    ] {
        world.spoil("s", 0, |share| share[byte] ^= 0x10);
        assert_eq!(
            blamed(&world).await,
            (Some(secret.clone()), world.ids([0])),
            "{byte}"
        );
        world.spoil("s", 0, |share| share[byte] ^= 0x10);
    }
}

#[tokio::test]
async fn every_choice_of_bad_vaults_is_blamed_exactly_while_enough_are_good() {
    let world = World::new(5);
    world.split("s", SECRET, 3).await;
    for choice in 0..32u32 {
        let bad: Vec<_> = (0..5).filter(|vault| choice & (1 << vault) != 0).collect();
        for vault in &bad {
            world.spoil("s", *vault, |share| share[40 + *vault] ^= 0x81);
        }
        let (secret, wrong) = blamed(&world).await;
        assert_eq!(wrong, world.ids(bad.clone()), "{bad:?}");
        assert_eq!(secret.is_some(), bad.len() <= 2, "{bad:?}");
        for vault in &bad {
            world.spoil("s", *vault, |share| share[40 + *vault] ^= 0x81);
        }
    }
}

#[tokio::test]
async fn too_many_wrong_shares_are_an_error_that_names_their_vaults() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    for vault in [0, 2] {
        world.spoil("s", vault, |share| share[1] ^= 1);
    }
    let failed = failure(world.read("s").await);
    assert_eq!(failed.error.code, ErrorCode::SharesDamaged);
    let named = failed.error.detail.clone().unwrap();
    for vault in world.ids([0, 2]) {
        assert!(named.contains(&vault.to_string()), "{named}");
    }
}

#[tokio::test]
async fn shares_of_other_lengths_are_blamed() {
    let world = World::new(3);
    world.split("s", SECRET, 2).await;
    let good = world.vaults[0].shares()[&world.handle("s", 0)].clone();
    for len in [0, 1, 319, 321, 1_088, 983_104] {
        world.spoil("s", 0, |share| share.resize(len, 1));
        assert_eq!(blamed(&world).await.1, world.ids([0]), "{len}");
        world.spoil("s", 0, |share| share.clone_from(&good));
    }
}

#[tokio::test]
async fn the_share_of_another_vault_or_set_or_owner_is_blamed() {
    let world = World::new(4);
    world.split("s", SECRET, 2).await;
    world.split("other", b"another secret", 2).await;
    let good = world.vaults[0].shares()[&world.handle("s", 0)].clone();
    let others = [
        world.vaults[1].shares()[&world.handle("s", 1)].clone(),
        world.vaults[0].shares()[&world.handle("other", 0)].clone(),
        stranger(&world).await,
    ];
    for other in others {
        world.spoil("s", 0, |share| share.clone_from(&other));
        let (secret, wrong) = blamed(&world).await;
        assert_eq!(wrong, world.ids([0]));
        assert_eq!(secret.as_deref(), Some(SECRET));
        world.spoil("s", 0, |share| share.clone_from(&good));
    }
}

/// The share that the first vault holds for another owner, of the same secret.
async fn stranger(world: &World) -> Vec<u8> {
    let other = World::new(0);
    let secrets = other.secrets();
    let before = world.vaults[0].shares();
    let split = secrets.split(&world.vaults, "s", SECRET, 2, POLICY.to_vec());
    split.await.unwrap();
    let after = world.vaults[0].shares();
    let new = after
        .into_iter()
        .find(|(handle, _)| !before.contains_key(handle));
    new.unwrap().1
}

#[tokio::test]
async fn shares_of_an_older_generation_are_blamed_and_never_mixed() {
    for old in 1..=3usize {
        let world = World::new(4);
        world.split("s", SECRET, 3).await;
        let stolen: Vec<_> = (0..4)
            .map(|vault| world.vaults[vault].shares()[&world.handle("s", vault)].clone())
            .collect();
        let secrets = world.secrets();
        secrets.refresh(&world.vaults, "s", None).await.unwrap();
        for (vault, stolen) in stolen.iter().enumerate().take(old) {
            world.spoil("s", vault, |share| share.clone_from(stolen));
        }
        let (secret, wrong) = blamed(&world).await;
        assert_eq!(wrong, world.ids(0..old));
        assert_eq!(secret.is_some(), old == 1, "{old} old shares");
    }
}
