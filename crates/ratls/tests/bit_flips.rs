//! Every bit of a quote counts: the quote with any one of them changed is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use ratls::{AppraisalPolicy, Evidence, Expected, TrustRoot, appraise};
use std::thread;
use tee_sim::{SimPlatform, SimRoot, SimTd, TdQuote};
use vault_policy::{TcbStatus, UnixSeconds};
use vault_tee::Platform;

/// A quote that is accepted, and all that accepts it.
struct Accepted {
    evidence: Evidence,
    root: TrustRoot,
    policy: AppraisalPolicy,
    now: UnixSeconds,
    /// Where the report data stands.
    report_data: usize,
}

impl Accepted {
    /// Whether the quote with this bit changed is accepted under the report data that it then
    /// carries: no signed bit may get by because it is compared with what was expected.
    fn accepts_flipped(&self, bit: usize) -> bool {
        let mut evidence = self.evidence.clone();
        evidence.quote[bit / 8] ^= 1 << (bit % 8);
        self.accepts(&evidence)
    }

    fn accepts(&self, evidence: &Evidence) -> bool {
        let at = self.report_data;
        let report_data = evidence.quote[at..at + 64].try_into().unwrap();
        let expected = Expected::danger_raw(report_data);
        appraise(evidence, &self.root, &self.policy, &expected, self.now).is_ok()
    }

    /// The bits of this share of every `step`th bit of the quote that may be changed unnoticed.
    fn accepted_bits(&self, share: usize, shares: usize, step: usize) -> Vec<usize> {
        (share * step..self.evidence.quote.len() * 8)
            .step_by(shares * step)
            .filter(|bit| self.accepts_flipped(*bit))
            .collect()
    }

    fn refuses_every_change_of_a_bit(&self) {
        self.refuses_changes(1);
    }

    fn refuses_changes(&self, step: usize) {
        assert!(self.accepts(&self.evidence));
        let shares = thread::available_parallelism().map_or(1, usize::from);
        let accepted: Vec<usize> = thread::scope(|scope| {
            let running: Vec<_> = (0..shares)
                .map(|share| scope.spawn(move || self.accepted_bits(share, shares, step)))
                .collect();
            running
                .into_iter()
                .flat_map(|running| running.join().unwrap())
                .collect()
        });
        assert_eq!(accepted, [0; 0], "bits that may be changed unnoticed");
    }
}

#[test]
fn every_bit_of_a_real_quote_counts() {
    let collateral = include_bytes!("../../../vectors/attestation/sgx_quote_collateral.json");
    let accepted = Accepted {
        evidence: Evidence {
            quote: include_bytes!("../../../vectors/attestation/sgx_quote").to_vec(),
            collateral: collateral.to_vec(),
        },
        root: TrustRoot::intel(),
        policy: AppraisalPolicy::strict()
            .accept_status(TcbStatus::ConfigurationAndSwHardeningNeeded)
            .accept_advisory("INTEL-SA-00289")
            .accept_advisory("INTEL-SA-00615"),
        now: UnixSeconds(1_752_919_278),
        report_data: 368,
    };
    accepted.refuses_every_change_of_a_bit();
}

#[test]
fn every_bit_of_a_simulated_quote_counts() {
    let now = 1_795_361_000;
    let root = SimRoot::ephemeral().unwrap();
    let platform = SimPlatform::builder(&root.machine("one").unwrap(), [1; 32])
        .now(now)
        .build()
        .unwrap();
    let made = platform.quote([2; 64]).unwrap();
    let accepted = Accepted {
        evidence: Evidence {
            quote: made.quote,
            collateral: made.collateral,
        },
        root: TrustRoot::from_der(root.root_der()).unwrap(),
        policy: AppraisalPolicy::strict(),
        now: UnixSeconds(now),
        report_data: 368,
    };
    accepted.refuses_every_change_of_a_bit();
}

/// A number of bits that has no common factor with the fields of a quote, so that every field loses some.
const SAMPLE: usize = 83;

fn real_tdx_quote() -> Accepted {
    let collateral = include_bytes!("../../../vectors/attestation/tdx_quote_collateral.json");
    let padded = include_bytes!("../../../vectors/attestation/tdx_quote").to_vec();
    Accepted {
        evidence: Evidence {
            quote: ratls::without_padding(padded),
            collateral: collateral.to_vec(),
        },
        root: TrustRoot::intel(),
        policy: AppraisalPolicy::strict(),
        now: UnixSeconds(1_752_919_234),
        report_data: 48 + 520,
    }
}

fn simulated_tdx_quote(form: TdQuote) -> Accepted {
    let now = 1_795_361_000;
    let root = SimRoot::ephemeral().unwrap();
    let td = SimTd::new([1; 48], [[2; 48]; 4]).form(form);
    let platform = SimPlatform::builder(&root.machine("one").unwrap(), [1; 32])
        .td(td)
        .now(now)
        .build()
        .unwrap();
    let made = platform.quote([2; 64]).unwrap();
    Accepted {
        evidence: Evidence {
            quote: made.quote,
            collateral: made.collateral,
        },
        root: TrustRoot::from_der(root.root_der()).unwrap(),
        policy: AppraisalPolicy::strict(),
        now: UnixSeconds(now),
        report_data: match form {
            TdQuote::V4 => 48 + 520,
            TdQuote::V5Td10 | TdQuote::V5Td15 => 54 + 520,
        },
    }
}

#[test]
fn bits_of_every_field_of_tdx_quotes_count() {
    real_tdx_quote().refuses_changes(SAMPLE);
    for form in [TdQuote::V4, TdQuote::V5Td10, TdQuote::V5Td15] {
        simulated_tdx_quote(form).refuses_changes(SAMPLE);
    }
}

#[test]
#[ignore = "minutes; cargo test -p ratls --test bit_flips -- --ignored"]
fn every_bit_of_a_real_tdx_quote_counts() {
    real_tdx_quote().refuses_every_change_of_a_bit();
}

#[test]
#[ignore = "minutes; cargo test -p ratls --test bit_flips -- --ignored"]
fn every_bit_of_a_simulated_tdx_quote_of_version_5_counts() {
    simulated_tdx_quote(TdQuote::V5Td15).refuses_every_change_of_a_bit();
}
