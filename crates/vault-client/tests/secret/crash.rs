//! Everything stops between any two steps, and the secret is still there.

use crate::support::{POLICY, World, until};
use tokio::select;

const SECRET: &[u8] = b"written on no paper";

#[tokio::test]
async fn a_refresh_that_stops_anywhere_leaves_the_secret_and_the_next_one_cleans_up() {
    let mut steps = 0;
    loop {
        let world = World::new(4);
        world.split("s", SECRET, 2).await;
        let stop = world.stop_at(steps);
        let secrets = world.secrets();
        let done = until(&stop, secrets.refresh(&world.vaults, "s", None)).await;
        world.go_on();
        assert_eq!(world.read("s").await.unwrap(), SECRET, "stopped at {steps}");
        secrets.refresh(&world.vaults, "s", None).await.unwrap();
        assert_eq!(world.read("s").await.unwrap(), SECRET);
        for vault in &world.vaults {
            assert_eq!(
                vault.shares().len(),
                1,
                "left behind when stopped at {steps}"
            );
        }
        if done.is_some() {
            break;
        }
        steps += 1;
    }
    // Four are asked for a share, four store one and four destroy one; the last two begin and end.
    assert_eq!(steps, 4 + 2 * 4 + 2 * 4);
}

#[tokio::test]
async fn a_repair_that_stops_anywhere_leaves_the_secret() {
    let mut steps = 0;
    loop {
        let world = World::new(5);
        let secrets = world.secrets();
        let split = secrets.split(&world.vaults[..4], "s", SECRET, 3, POLICY.to_vec());
        split.await.unwrap();
        let stop = world.stop_at(steps);
        let (lost, new) = (world.ids([1]), world.ids([4]));
        let repair = secrets.repair(&world.vaults, "s", &lost, &new, None);
        let done = until(&stop, repair).await;
        world.go_on();
        assert_eq!(world.read("s").await.unwrap(), SECRET, "stopped at {steps}");
        if done.is_some() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 16, "{steps}");
}

#[tokio::test]
async fn a_split_that_stops_anywhere_can_be_made_again_and_leaves_nothing_else() {
    let mut steps = 0;
    loop {
        let world = World::new(3);
        let secrets = world.secrets();
        let stop = world.stop_at(steps);
        let split = secrets.split(&world.vaults, "s", SECRET, 2, POLICY.to_vec());
        let done = until(&stop, split).await;
        world.go_on();
        if done.is_some() {
            break;
        }
        let again = secrets.split(&world.vaults, "s", SECRET, 2, POLICY.to_vec());
        again.await.unwrap();
        assert_eq!(world.read("s").await.unwrap(), SECRET);
        for vault in &world.vaults {
            assert_eq!(vault.shares().len(), 1, "stopped at {steps}");
        }
        steps += 1;
    }
    assert_eq!(steps, 2 * 3);
}

#[tokio::test]
async fn while_one_task_changes_a_set_another_is_refused_and_readers_are_not() {
    let world = World::new(2);
    world.split("s", SECRET, 2).await;
    let stop = world.stop_at(3);
    let secrets = world.secrets();
    let other = world.secrets();
    let refused = async {
        stop.reached.notified().await;
        world.go_on();
        let refused = other.refresh(&world.vaults, "s", None).await;
        (refused.is_err(), world.read("s").await.unwrap())
    };
    select! {
        biased;
        _ = secrets.refresh(&world.vaults, "s", None) => panic!("was stopped"),
        (refused, read) = refused => {
            assert!(refused);
            assert_eq!(read, SECRET);
        }
    }
}
