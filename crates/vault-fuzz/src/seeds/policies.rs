//! Policies of every kind: the vectors, as they are written and in canonical form.

use serde_json::Value;

const VECTORS: [&str; 2] = [
    include_str!("../../../../vectors/policy/canonical.json"),
    include_str!("../../../../vectors/policy/profiles.json"),
];

/// Each as it is written, and in canonical form.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let cases = VECTORS.iter().flat_map(|file| {
        let cases: Vec<Value> = serde_json::from_str(file).expect("vectors");
        cases
    });
    let both = |case: Value| {
        let text = |name: &str| match &case[name] {
            Value::String(text) => text.clone(),
            document => document.to_string(),
        };
        ["document", "canonical"].map(|name| text(name).into_bytes())
    };
    cases.flat_map(both).collect()
}

/// Policies alone, in canonical form.
pub(super) fn canonical() -> Vec<Vec<u8>> {
    let cases: Vec<Value> = serde_json::from_str(VECTORS[0]).expect("vectors");
    let canonical = cases
        .iter()
        .map(|case| case["canonical"].as_str().expect("text"));
    canonical.map(|text| text.as_bytes().to_vec()).collect()
}
