//! Sets that an independent implementation made from the documented formats.

use crate::support::{POLICY, Vault};
use serde_json::Value;
use vault_client::secret::{Member, OwnerKey, Secrets, SetRecord, Wait, open_share};
use vault_encoding::text;
use zeroize::Zeroizing;

const SETS: &str = include_str!("../../../../vectors/secrets/sets.json");

fn sets() -> Vec<Value> {
    let file: Value = serde_json::from_str(SETS).unwrap();
    file["sets"].as_array().unwrap().clone()
}

fn unhex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

fn owner(set: &Value) -> OwnerKey {
    let key = text::unhex(set["owner_key"].as_str().unwrap()).unwrap();
    OwnerKey::from_bytes(Zeroizing::new(key))
}

fn places(set: &Value) -> Vec<(Member, Vec<u8>)> {
    let shares = set["shares"].as_array().unwrap().iter();
    let place = |share: &Value| Member {
        vault_id: share["vault_id"].as_str().unwrap().parse().unwrap(),
        handle: share["handle"].as_str().unwrap().parse().unwrap(),
    };
    shares
        .map(|share| (place(share), unhex(&share["blob"])))
        .collect()
}

/// Vaults that hold the shares of the vector.
fn vaults(set: &Value) -> Vec<Vault> {
    let holding = |(place, blob): (Member, Vec<u8>)| {
        let vault = Vault::with_id(place.vault_id);
        vault.alter(|shares| drop(shares.insert(place.handle, blob)));
        vault
    };
    places(set).into_iter().map(holding).collect()
}

#[test]
fn keys_records_and_metadata_are_as_documented() {
    assert_eq!(sets().len(), 2);
    for set in sets() {
        let owner = owner(&set);
        assert_eq!(
            text::hex(&owner.id()),
            set["owner_key_id"].as_str().unwrap()
        );
        let bytes = set["record"].as_str().unwrap().as_bytes();
        let record = SetRecord::from_bytes(bytes, &owner).unwrap();
        assert_eq!(record.to_bytes(&owner), bytes);
        assert_eq!(record.policy, br#"{"a":"policy"}"#);
        let places = places(&set);
        let members: Vec<_> = places.iter().map(|(place, _)| *place).collect();
        assert_eq!(record.members, members);
        for (at, (_, blob)) in places.iter().enumerate() {
            for (here, place) in members.iter().enumerate() {
                let opened = open_share(&owner, place, blob);
                assert_eq!(opened.is_some(), at == here);
                let Some(metadata) = opened else { continue };
                assert_eq!(metadata.set_id, record.set_id);
                assert_eq!(metadata.generation, record.generation);
                assert_eq!(metadata.threshold, record.threshold);
                assert_eq!(usize::from(metadata.shares), members.len());
            }
        }
    }
}

#[tokio::test]
async fn shares_of_the_other_implementation_give_its_secrets() {
    for set in sets() {
        let (vaults, secret) = (vaults(&set), unhex(&set["secret"]));
        let name = set["name"].as_str().unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(name)).unwrap();
        let path = dir.path().join(name).join("record.json");
        std::fs::write(path, set["record"].as_str().unwrap()).unwrap();
        let secrets = Secrets::new(dir.path(), owner(&set));
        let found = secrets.reconstruct(&vaults, name, Wait::All).await;
        let found = found.unwrap_or_else(|failed| panic!("{failed}"));
        assert_eq!(found.secret.as_slice(), secret);
        assert!(found.collected.wrong().is_empty());
        let recovered = secrets.recover(&vaults).await;
        assert_eq!(recovered.sets[0].secret.as_slice(), secret);
        let blind = Secrets::recover_without_owner(&vaults).await;
        assert_eq!(blind.sets[0].secret.as_slice(), secret);
        assert_eq!(blind.sets[0].members.len(), vaults.len());
        let refresh = secrets.refresh(&vaults, name, Some(POLICY.to_vec()));
        refresh.await.unwrap();
        let again = secrets.reconstruct(&vaults, name, Wait::Enough).await;
        assert_eq!(again.ok().unwrap().secret.as_slice(), secret);
    }
}
