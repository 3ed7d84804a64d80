//! Shares and records that somebody else made: none is authentic, and what is opened is what was
//! sealed. Vaults that hand out changed shares, or made-up ones beside them, bring no other secret about.

use crate::golden::change;
use futures_util::FutureExt;
use std::sync::LazyLock;
use vault_client::secret::{Member, OwnerKey, Recovery, Secrets, SetRecord, ShareHolder, open_share};
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::Hash;
use vault_policy::{KeyHandle, SHARE_CLASSES, VaultId};
use zeroize::Zeroizing;

static OWNER: LazyLock<OwnerKey> = LazyLock::new(|| OwnerKey::from_bytes(Zeroizing::new([7; 32])));

const PLACE: Member = Member {
    vault_id: VaultId(Hash([1; 32])),
    handle: KeyHandle([2; 16]),
};

/// What one vault holds.
#[derive(Clone)]
struct Vault {
    place: Member,
    blob: Vec<u8>,
}

impl ShareHolder for Vault {
    fn vault_id(&self) -> VaultId {
        self.place.vault_id
    }

    async fn put(&self, _: KeyHandle, _: Vec<u8>, _: Zeroizing<Vec<u8>>) -> Result<()> {
        Err(Error::new(ErrorCode::Unavailable))
    }

    async fn get(&self, handle: KeyHandle) -> Result<Zeroizing<Vec<u8>>> {
        match handle == self.place.handle {
            true => Ok(Zeroizing::new(self.blob.clone())),
            false => Err(Error::new(ErrorCode::NotFound)),
        }
    }

    async fn list(&self) -> Result<Vec<KeyHandle>> {
        Ok(vec![self.place.handle])
    }

    async fn destroy(&self, _: KeyHandle) -> Result<()> {
        Err(Error::new(ErrorCode::Unavailable))
    }
}

struct Set {
    owner: [u8; 32],
    secret: Vec<u8>,
    vaults: Vec<Vault>,
}

/// A set of the vectors, of which two shares of three are enough.
static SET: LazyLock<Set> = LazyLock::new(|| {
    let vectors = include_str!("../../../vectors/secrets/sets.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).expect("vectors");
    let set = &vectors["sets"][0];
    let bytes = |value: &serde_json::Value| {
        let text = value.as_str().expect("hex");
        let pairs = (0..text.len()).step_by(2);
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
        pairs.map(byte).collect::<Vec<u8>>()
    };
    let shares = set["shares"].as_array().expect("shares").iter();
    let vault = |share: &serde_json::Value| Vault {
        place: Member {
            vault_id: VaultId(Hash::from_slice(&bytes(&share["vault_id"])).expect("an id")),
            handle: share["handle"].as_str().expect("a handle").parse().expect("a handle"),
        },
        blob: bytes(&share["blob"]),
    };
    Set {
        owner: bytes(&set["owner_key"]).try_into().expect("32 bytes"),
        secret: bytes(&set["secret"]),
        vaults: shares.map(vault).collect(),
    }
});

/// Which share is changed, the changes, and a share of another vault.
fn recovered(data: &[u8]) {
    let Some((which, edits)) = data.split_first() else {
        return;
    };
    let mut vaults = SET.vaults.clone();
    let count = vaults.len();
    change(&mut vaults[usize::from(*which) % count].blob, edits);
    let mut blob = edits.to_vec();
    blob.resize(vaults[0].blob.len(), 0xa5);
    vaults.push(Vault { place: PLACE, blob });
    let owner = OwnerKey::from_bytes(Zeroizing::new(SET.owner));
    let secrets = Secrets::new("/nowhere", owner);
    let by_owner = secrets.recover(&vaults).now_or_never();
    let blind = Secrets::recover_without_owner(&vaults).now_or_never();
    for recovery in [by_owner, blind] {
        let Recovery { sets, .. } = recovery.expect("these vaults answer at once");
        assert_eq!(sets.len(), 1, "two shares are as they were");
        assert!(*sets[0].secret == SET.secret, "another secret");
    }
}

/// One input.
pub fn run(data: &[u8]) {
    recovered(data);
    assert!(open_share(&OWNER, &PLACE, data).is_none(), "forged");
    // In every class, so that the parts are reached.
    for class in SHARE_CLASSES.into_iter().take(3) {
        let mut share = data.to_vec();
        share.resize(class, 0xa5);
        assert!(open_share(&OWNER, &PLACE, &share).is_none(), "forged");
    }
    assert!(SetRecord::from_bytes(data, &OWNER).is_none(), "forged");
    // The reader behind the tag: what it takes has one spelling.
    if let Some(record) = SetRecord::read_unauthenticated(data) {
        let bytes = record.to_bytes(&OWNER);
        assert!(
            SetRecord::from_bytes(&bytes, &OWNER) == Some(record),
            "another record"
        );
    }
}
