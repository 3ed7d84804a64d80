//! What clients show, and what relays and vaults bring.

use super::of;
use crate::golden::ISSUER;
use buffa::Message;
use vault_proto::v1;

const BUNDLE: &str = include_str!("../../../../fuzz/corpus/bundle/seed-00");
const ANSWER: &str = include_str!("../../../../fuzz/corpus/answer/seed-00");
const CHAIN: &[u8] = include_bytes!("../../../../fuzz/corpus/chain/seed-genuine");

/// Of `chain`.
pub(super) fn chains() -> Vec<Vec<u8>> {
    let changed = (0..3).map(|which| of(2 * which, [0, 99, 1]));
    changed.chain([of(1, CHAIN), of(0, [])]).collect()
}

/// Of `relay`.
pub(super) fn relayed() -> Vec<Vec<u8>> {
    let mailbox = "07".repeat(32);
    let bundle = BUNDLE.trim_end();
    let config = "listen = \"127.0.0.1:0\"\nproxy = \"127.0.0.2\"\nhosts = [\"relay.test\"]\n\
                  [limits]\nrequests = 9\nrequests_per_source = 9\n[log]\nlevel = \"warn\"\n";
    let id = "aaaqeayeaudaocajbifqydiob4";
    let listed = format!(r#"{{"requests":[{{"id":"{id}","expires_at":9}}]}}"#);
    let answers = format!(r#"{{"answers":[{}]}}"#, ANSWER.trim_end());
    vec![
        of(
            0,
            format!(r#"{{"mailboxes":["{mailbox}"],"bundle":{bundle},"ttl":60}}"#),
        ),
        of(1, ANSWER.trim_end()),
        of(2, id),
        of(3, "10.0.0.1, 10.0.0.2:80\n[::1]:9"),
        of(4, config),
        of(5, of(0, listed)),
        of(5, of(1, answers)),
        of(5, of(2, bundle)),
        of(5, of(130, r#"{"error":"rate_limited","message":"later"}"#)),
    ]
}

/// Of `reply`.
pub(super) fn replies() -> Vec<Vec<u8>> {
    let denied = v1::ErrorDetail {
        code: v1::ErrorCode::ERROR_CODE_POLICY_DENIED.into(),
        blame: v1::Blame::BLAME_POLICY.into(),
        rule: "use".into(),
        condition: "all_of.1".into(),
        retry_after: 9,
        ..Default::default()
    };
    let key = v1::KeyInfo {
        handle: vault_policy::KeyHandle([1; 16]).to_string(),
        lineage: vec![2; 32],
        name: "release".into(),
        r#type: v1::KeyType::KEY_TYPE_P256_SIGNING.into(),
        state: v1::KeyState::KEY_STATE_ENABLED.into(),
        version: 1,
        policy_hash: vec![3; 32],
        policy_version: 1,
        public_key: vec![4; 91],
        ..Default::default()
    };
    let who = v1::WhoAmIResponse {
        issuer: ISSUER.into(),
        subject: "alice".into(),
        caller_measurement: vec![5; 32],
        caller_platform_id: vec![6; 32],
        ..Default::default()
    };
    let profile = v1::PendingProfile {
        profile: b"{}".to_vec(),
        profile_digest: vec![7; 32],
        staged_at: 9,
        staged_by: "alice".into(),
        ..Default::default()
    };
    let message = "no rule allows it";
    let refusal = [
        &[message.len() as u8],
        message.as_bytes(),
        &denied.encode_to_vec(),
    ]
    .concat();
    vec![
        of(0, refusal),
        of(1, key.encode_to_vec()),
        of(2, who.encode_to_vec()),
        of(3, profile.encode_to_vec()),
        of(4, r#"["https://a.test","30"]"#),
        of(5, [9, 1, 0, 12, 2, 0, 9, 1, 0]),
        of(5, [9, 1, 0, 9, 2, 0, 4, 4, 7]),
    ]
}
