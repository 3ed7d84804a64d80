//! How much is looked at.

use super::*;
use vault_encoding::{Json, Limits};

fn policy(text: &str) -> KeyPolicy {
    let limits = Limits {
        bytes: 1 << 16,
        depth: 32,
        nodes: 1 << 12,
    };
    KeyPolicy::from_json(&Json::parse(text.as_bytes(), limits).unwrap()).unwrap()
}

/// Two profiles with 3 required claims together, 3 managers, 2 approvals, 2 rules that name 3
/// principals together, one caller, two certificates.
fn crowded() -> KeyPolicy {
    let hash = "ab".repeat(32);
    let tee = |name: &str, oids: &[u8]| {
        let oids: Vec<_> = oids
            .iter()
            .map(|oid| format!(r#"{{"oid":"1.2.{oid}","value":"AA"}}"#))
            .collect();
        format!(
            r#"{{"name":"{name}","mrenclave":"{hash}","required_oids":[{}]}}"#,
            oids.join(",")
        )
    };
    let manager = |id: &str| {
        format!(r#"{{"id":"{id}","credentials":[{{"oidc":{{"issuer":"i","subject":"{id}"}}}}]}}"#)
    };
    let approval = r#"{"manager_approval":{"managers":["m1","m2","m3"],"oidc":"allowed"}}"#;
    policy(&format!(
        r#"{{"format":"enclave-vaults/key-policy/v1","principals":{{
            "owner":{{"issuer":"i","subject":"ann"}},
            "managers":[{},{},{}],
            "callers":[{{"id":"ci","oidc":{{"issuer":"i","subject":"ci"}}}}],
            "mtls":[{{"id":"one","spki":"{hash}"}},{{"id":"two","spki":"{}"}}],
            "tees":[{},{}]}},
          "operations":[
            {{"name":"a","operations":["sign"],"principals":["owner","ci"],"condition":{approval}}},
            {{"name":"b","operations":["verify"],"principals":["one"],"condition":{approval}}}]}}"#,
        manager("m1"),
        manager("m2"),
        manager("m3"),
        "cd".repeat(32),
        tee("t1", &[1, 2]),
        tee("t2", &[3]),
    ))
}

#[test]
fn the_larger_a_policy_is_the_fewer_calls_are_tried() {
    let profiles = (8 + 2 * 32) + (8 + 32);
    let rules = (8 + 2) + (8 + 1);
    let approvals = (1 + 2) * 3 * 3;
    let size = 1 + (1 + 2) + profiles + rules + approvals;
    assert_eq!(size, 162);
    assert_eq!(calls(crowded().fields()), (1 << 18) / size);
}

#[test]
fn of_a_small_policy_no_more_than_4096_calls_are_tried() {
    let small = policy(
        r#"{"format":"enclave-vaults/key-policy/v1",
            "principals":{"owner":{"issuer":"i","subject":"ann"}},
            "operations":[{"name":"a","operations":["sign"],"principals":["owner"]}]}"#,
    );
    assert_eq!(calls(small.fields()), 4096);
}
