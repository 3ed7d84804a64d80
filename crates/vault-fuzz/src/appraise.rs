//! Quotes and collateral: a genuine quote with bytes changed, or whatever comes. None is accepted.

use ratls::{AppraisalPolicy, Claims, Evidence, Expected, Role, TrustRoot, appraise, without_padding};
use std::collections::BTreeMap;
use vault_encoding::Hash;
use vault_policy::{TcbStatus, UnixSeconds};

const QUOTE: &[u8] = include_bytes!("../../../vectors/attestation/sgx_quote");
const COLLATERAL: &[u8] = include_bytes!("../../../vectors/attestation/sgx_quote_collateral.json");
const TD_QUOTE: &[u8] = include_bytes!("../../../vectors/attestation/tdx_quote");
const TD_COLLATERAL: &[u8] = include_bytes!("../../../vectors/attestation/tdx_quote_collateral.json");
/// Of a mode: begins with the quote of a trust domain, which calls.
const DOMAIN: u8 = 4;
const NOW: UnixSeconds = UnixSeconds(1_751_000_000);

fn evidence(mode: u8, body: &[u8]) -> Evidence {
    let (quote, collateral) = match mode & DOMAIN {
        0 => (QUOTE, COLLATERAL),
        _ => (TD_QUOTE, TD_COLLATERAL),
    };
    let (mut quote, mut collateral) = (without_padding(quote.to_vec()), collateral.to_vec());
    match mode % 4 {
        0 => quote = body.to_vec(),
        1 => collateral = body.to_vec(),
        2 => change(&mut quote, body),
        _ => change(&mut collateral, body),
    }
    Evidence { quote, collateral }
}

/// Every three bytes are a place and what is put there.
fn change(bytes: &mut [u8], edits: &[u8]) {
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] ^= edit[2];
    }
}

/// One input.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    let (role, identity_key) = match mode & DOMAIN {
        0 => (Role::Vault, Claims::identity_spki(&[2; 32])),
        _ => (Role::Caller, Vec::new()),
    };
    let claims = Claims {
        role,
        spki_hash: Hash([1; 32]),
        identity_key,
        trust_root: None,
        operational_root: None,
        boot_id: [3; 16],
        oids: BTreeMap::new(),
    };
    let policy = AppraisalPolicy::strict()
        .accept_status(TcbStatus::ConfigurationAndSwHardeningNeeded)
        .accept_advisory("INTEL-SA-00289")
        .accept_advisory("INTEL-SA-00615");
    let evidence = evidence(*mode, body);
    let expected = Expected::leaf(&claims);
    let appraised = appraise(&evidence, &TrustRoot::intel(), &policy, &expected, NOW);
    assert!(
        appraised.is_err(),
        "accepted for claims that no quote commits to"
    );
}
