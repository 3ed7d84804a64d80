//! What is refused when it is written, and what a document means.

use crate::coverage::Coverage;
use crate::generate;
use crate::naive::shape;
use crate::shrink;
use std::ops::Range;
use vault_encoding::{Canonical, Json, Limits};
use vault_policy::KeyPolicy;

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    depth: 64,
    nodes: 1 << 16,
};

/// Reads the policies and documents of these seeds.
pub(super) fn run(seeds: Range<u64>) -> Result<Coverage, u64> {
    let mut coverage = Coverage::default();
    for seed in seeds {
        let policy = generate::flawed(seed);
        coverage.take_shape(&shape::faults(&policy));
        let (document, means) = generate::document(seed);
        judge(&policy)
            .and_then(|()| understood(&document, &means))
            .map_err(|_| seed)?;
    }
    Ok(coverage)
}

/// The disagreement of this seed.
pub(super) fn explain(seed: u64) -> Option<String> {
    let policy = generate::flawed(seed);
    if judge(&policy).is_err() {
        let smaller = |policy: &Canonical| shrink::policies(policy);
        let least = shrink::least(policy, smaller, |policy| judge(policy).is_err());
        return judge(&least)
            .err()
            .map(|said| format!("{said}\n{}", text(&least)));
    }
    let (document, means) = generate::document(seed);
    understood(&document, &means).err()
}

fn text(value: &Canonical) -> String {
    String::from_utf8_lossy(&value.to_bytes()).into_owned()
}

fn judge(policy: &Canonical) -> Result<(), String> {
    let faults = shape::faults(policy);
    match KeyPolicy::from_canonical(&policy.to_bytes()) {
        Ok(_) if faults.is_empty() => Ok(()),
        Err(error) if faults.contains(error.code()) => Ok(()),
        said => Err(format!(
            "naive: {faults:?}\nvault: {:?}",
            said.map(|_| "a policy")
        )),
    }
}

fn understood(document: &Canonical, means: &Canonical) -> Result<(), String> {
    let read = Json::parse(&document.to_bytes(), LIMITS)
        .map_err(|error| error.to_string())
        .and_then(|json| KeyPolicy::from_json(&json).map_err(|error| error.to_string()));
    match read {
        Ok(policy) if policy.canonical_bytes() == means.to_bytes() => Ok(()),
        Ok(policy) => Err(format!(
            "document {}\nnaive: {}\nvault: {}",
            text(document),
            text(means),
            String::from_utf8_lossy(policy.canonical_bytes())
        )),
        Err(reason) => Err(format!("document {}\nvault: {reason}", text(document))),
    }
}
