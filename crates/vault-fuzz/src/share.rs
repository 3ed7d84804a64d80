//! Shares and records that somebody else made: none is authentic, and what is opened is what was
//! sealed.

use std::sync::LazyLock;
use vault_client::secret::{Member, OwnerKey, SetRecord, open_share};
use vault_encoding::Hash;
use vault_policy::{KeyHandle, SHARE_CLASSES, VaultId};
use zeroize::Zeroizing;

static OWNER: LazyLock<OwnerKey> = LazyLock::new(|| OwnerKey::from_bytes(Zeroizing::new([7; 32])));

const PLACE: Member = Member {
    vault_id: VaultId(Hash([1; 32])),
    handle: KeyHandle([2; 16]),
};

/// One input.
pub fn run(data: &[u8]) {
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
