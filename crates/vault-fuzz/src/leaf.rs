//! Certificates with evidence inside, before anything of them is trusted: what reads has claims of one spelling
//! and a key of its own, and a changed certificate is none.

use crate::golden::change;
use ratls::{Claims, Evidence, Leaf, LeafKey, Role, UnappraisedLeaf, Validity};
use std::collections::BTreeMap;
use vault_encoding::Hash;
use vault_policy::UnixSeconds;

const NOW: UnixSeconds = UnixSeconds(1_751_000_000);
const GENUINE: &[u8] = include_bytes!("../../../fuzz/corpus/leaf/seed-leaf");
const QUOTE: &[u8] = include_bytes!("../../../vectors/attestation/sgx_quote");
/// Where a quote has its report data.
const REPORT_DATA: std::ops::Range<usize> = 368..432;

/// One input: a certificate, and changes of a genuine one.
pub fn run(data: &[u8]) {
    if let Ok(leaf) = UnappraisedLeaf::parse(data, NOW) {
        let claims = leaf.claims().to_bytes();
        assert_eq!(Claims::from_bytes(&claims).as_ref(), Ok(leaf.claims()));
        assert!(leaf.not_after() >= NOW);
    }
    let mut certificate = GENUINE.to_vec();
    change(&mut certificate, &data[..data.len().min(30)]);
    let reads = UnappraisedLeaf::parse(&certificate, NOW).is_ok();
    assert_eq!(reads, certificate == GENUINE, "a changed certificate");
}

/// A certificate that reads, for the corpus.
pub fn genuine() -> Vec<u8> {
    let key = LeafKey::generate().expect("a key");
    let claims = Claims {
        role: Role::Vault,
        spki_hash: key.spki_hash(),
        identity_key: Claims::identity_spki(&[2; 32]),
        trust_root: Some(Hash([4; 32])),
        operational_root: Some(Hash([5; 32])),
        boot_id: [3; 16],
        oids: BTreeMap::new(),
    };
    let leaf = Leaf::issue(key, claims, Validity::from_now(NOW), |report_data| {
        let mut quote = QUOTE.to_vec();
        quote[REPORT_DATA].copy_from_slice(&report_data);
        Ok::<_, ()>(Evidence {
            quote,
            collateral: Vec::new(),
        })
    });
    leaf.expect("a leaf").cert_der
}
