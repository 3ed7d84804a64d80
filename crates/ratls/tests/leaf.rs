//! Leaves: issued over a simulated quote, read back, and refused after any change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::{
    AppraisalError, AppraisalPolicy, Claims, ClaimsError, Evidence, Expected, IssueError, Leaf,
    LeafError, LeafKey, MAX_LEAF, MAX_VALIDITY, Role, TrustRoot, UnappraisedLeaf, Validity,
    appraise,
};
use std::collections::BTreeMap;
use tee_sim::{Quoting, SimPlatform, SimRoot};
use vault_encoding::Hash;
use vault_policy::UnixSeconds;
use vault_tee::{Platform, QuoteError};

const NOW: UnixSeconds = UnixSeconds(1_795_361_000);

struct Prover {
    platform: SimPlatform,
    root: TrustRoot,
}

impl Prover {
    fn new() -> Self {
        let root = SimRoot::ephemeral().unwrap();
        let machine = root.machine("one").unwrap();
        Self {
            platform: SimPlatform::builder(&machine, [1; 32])
                .now(NOW.0)
                .build()
                .unwrap(),
            root: TrustRoot::from_der(root.root_der()).unwrap(),
        }
    }

    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteError> {
        let made = self.platform.quote(report_data)?;
        Ok(Evidence {
            quote: made.quote,
            collateral: made.collateral,
        })
    }

    fn issue(&self, key: LeafKey, claims: Claims, validity: Validity) -> Issued {
        Leaf::issue(key, claims, validity, |report_data| self.quote(report_data))
    }

    fn leaf(&self) -> Leaf {
        let key = LeafKey::generate().unwrap();
        let claims = claims(key.spki_hash());
        self.issue(key, claims, Validity::from_now(NOW)).unwrap()
    }
}

type Issued = Result<Leaf, IssueError<QuoteError>>;

fn claims(spki_hash: Hash) -> Claims {
    Claims {
        role: Role::Caller,
        spki_hash,
        identity_key: Vec::new(),
        trust_root: Some(Hash([5; 32])),
        operational_root: None,
        boot_id: [2; 16],
        oids: BTreeMap::from([("1.2.3".to_owned(), vec![4])]),
    }
}

#[test]
fn a_leaf_reads_back_and_its_quote_is_appraised() {
    let prover = Prover::new();
    let leaf = prover.leaf();
    let read = UnappraisedLeaf::parse(&leaf.cert_der, NOW).unwrap();
    assert_eq!(read.claims(), &leaf.claims);
    assert_eq!(read.quote(), leaf.evidence.quote);
    assert_eq!(read.not_after(), leaf.not_after);
    assert!(
        leaf.cert_der.len() < MAX_LEAF / 2,
        "{}",
        leaf.cert_der.len()
    );
    let policy = AppraisalPolicy::strict();
    let appraised = read
        .appraise(&leaf.evidence.collateral, &prover.root, &policy, NOW)
        .unwrap();
    let proven = appraised.evidence.claims();
    assert_eq!(proven.config_merkle_root, Some(Hash([5; 32])));
    assert_eq!(proven.oids, [("1.2.3".to_owned(), vec![4])]);
    // The same quote does not prove other claims.
    let mut other = leaf.claims.clone();
    other.trust_root = None;
    let verdict = appraise(
        &leaf.evidence,
        &prover.root,
        &policy,
        &Expected::leaf(&other),
        NOW,
    );
    assert_eq!(verdict, Err(AppraisalError::ReportData));
    // Nor does the quote of a leaf stand for a batch of preambles.
    let batch = Expected::batch(&leaf.claims, &leaf.claims.hash());
    let verdict = appraise(&leaf.evidence, &prover.root, &policy, &batch, NOW);
    assert_eq!(verdict, Err(AppraisalError::ReportData));
}

#[test]
fn a_leaf_is_valid_for_a_day_and_both_ends_hold() {
    let leaf = Prover::new().leaf();
    let parse = |now: u64| UnappraisedLeaf::parse(&leaf.cert_der, UnixSeconds(now)).map(|_| ());
    let first = NOW.0 - 300;
    assert_eq!(leaf.not_after.0, first + MAX_VALIDITY);
    assert_eq!(parse(first), Ok(()));
    assert_eq!(parse(first - 1), Err(LeafError::NotValidNow));
    assert_eq!(parse(leaf.not_after.0), Ok(()));
    assert_eq!(parse(leaf.not_after.0 + 1), Err(LeafError::NotValidNow));
}

#[test]
fn every_changed_bit_of_a_leaf_is_refused() {
    let leaf = Prover::new().leaf();
    let mut changed = leaf.cert_der.clone();
    for bit in 0..leaf.cert_der.len() * 8 {
        changed[bit / 8] ^= 1 << (bit % 8);
        let read = UnappraisedLeaf::parse(&changed, NOW);
        assert!(read.is_err(), "bit {bit}");
        changed[bit / 8] ^= 1 << (bit % 8);
    }
    let longer = [&leaf.cert_der[..], &[0]].concat();
    assert_eq!(UnappraisedLeaf::parse(&longer, NOW), Err(LeafError::NotDer));
}

#[test]
fn a_leaf_of_another_key_is_not_issued() {
    let prover = Prover::new();
    let other = claims(LeafKey::generate().unwrap().spki_hash());
    let key = LeafKey::generate().unwrap();
    let issued = prover.issue(key, other, Validity::from_now(NOW));
    assert_eq!(issued.unwrap_err(), IssueError::Leaf(LeafError::OtherKey));
}

#[test]
fn a_thief_of_evidence_has_no_leaf_for_its_own_key() {
    // The thief copies quote and claims into a certificate of its own key.
    let stolen = Prover::new().leaf();
    let key = LeafKey::generate().unwrap();
    let mut forged = rcgen::CertificateParams::default();
    let read = UnappraisedLeaf::parse(&stolen.cert_der, NOW).unwrap();
    let content = tagged(read.quote(), &stolen.claims.to_bytes());
    forged.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(
        &[2, 23, 133, 5, 4, 9],
        content,
    )];
    let (not_before, not_after) = (NOW.0 - 60, NOW.0 + 60);
    let date = |at: u64| {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        epoch + std::time::Duration::from_secs(at)
    };
    (forged.not_before, forged.not_after) = (date(not_before), date(not_after));
    let certificate = forged.self_signed(&key).unwrap();
    let read = UnappraisedLeaf::parse(certificate.der(), NOW);
    assert_eq!(read, Err(LeafError::OtherKey));
    // Claims of its own do not fit the stolen quote.
    let mut own = stolen.claims.clone();
    own.spki_hash = key.spki_hash();
    let quote = stolen.evidence.quote.clone();
    forged.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(
        &[2, 23, 133, 5, 4, 9],
        tagged(&quote, &own.to_bytes()),
    )];
    let certificate = forged.self_signed(&key).unwrap();
    let read = UnappraisedLeaf::parse(certificate.der(), NOW);
    assert_eq!(read, Err(LeafError::OtherClaims));
    // A second evidence extension does not hide the first.
    let twice = forged.custom_extensions[0].clone();
    forged.custom_extensions.push(twice);
    let certificate = forged.self_signed(&key).unwrap();
    let read = UnappraisedLeaf::parse(certificate.der(), NOW);
    assert_eq!(read, Err(LeafError::NoEvidence));
    // And there is no leaf that is valid for longer than a day.
    forged.custom_extensions.pop();
    forged.not_after = date(not_before + MAX_VALIDITY + 1);
    let certificate = forged.self_signed(&key).unwrap();
    let read = UnappraisedLeaf::parse(certificate.der(), NOW);
    assert_eq!(read, Err(LeafError::ValidTooLong));
}

fn tagged(quote: &[u8], claims: &[u8]) -> Vec<u8> {
    let mut out = vec![0xd9, 0xea, 0x60, 0x82];
    for part in [quote, claims] {
        out.push(0x59);
        out.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

#[test]
fn a_platform_that_gives_no_quote_or_another_one_gives_no_leaf() {
    let prover = Prover::new();
    prover.platform.set_quoting(Quoting::TimesOut);
    let new = || {
        let key = LeafKey::generate().unwrap();
        let claims = claims(key.spki_hash());
        (key, claims)
    };
    let (key, own) = new();
    let issued = prover.issue(key, own, Validity::from_now(NOW));
    assert_eq!(issued.unwrap_err(), IssueError::Quote(QuoteError::Timeout));

    prover.platform.set_quoting(Quoting::Works);
    let (key, own) = new();
    let issued = Leaf::issue(key, own, Validity::from_now(NOW), |_| prover.quote([0; 64]));
    assert_eq!(
        issued.unwrap_err(),
        IssueError::Leaf(LeafError::OtherClaims)
    );
}

#[test]
fn claims_that_do_not_fit_their_role_and_long_validities_give_no_leaf() {
    let prover = Prover::new();
    let key = LeafKey::generate().unwrap();
    let mut vault = claims(key.spki_hash());
    vault.role = Role::Vault;
    let issued = prover.issue(key, vault, Validity::from_now(NOW));
    let reason = LeafError::Claims(ClaimsError::Role);
    assert_eq!(issued.unwrap_err(), IssueError::Leaf(reason));

    let key = LeafKey::generate().unwrap();
    let own = claims(key.spki_hash());
    let mut validity = Validity::from_now(NOW);
    validity.not_after.0 += 1;
    let issued = prover.issue(key, own, validity);
    assert_eq!(
        issued.unwrap_err(),
        IssueError::Leaf(LeafError::ValidTooLong)
    );
}

#[test]
fn debug_output_shows_no_private_key() {
    let leaf = Prover::new().leaf();
    let shown = format!("{leaf:?}");
    let key = vault_encoding::text::hex(&leaf.key_pkcs8);
    assert!(!shown.contains(&key[..64]));
    assert!(!shown.contains("pkcs8"));
}
