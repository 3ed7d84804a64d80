//! A vault whose keys ask for approvals, and those who ask and approve.

use crate::authenticator::Authenticator;
use crate::common::{Bench, ISSUER, token};
use vault_approval::{
    Approval, ApprovalRequest, ApprovalTree, Digested, Fido2Algorithm, Fido2Credential, Proof,
    SignatureForm, Statement,
};
use vault_core::api::{CreateKey, KeyInfo, KeyRef, Payload, Sign};
use vault_core::{Answer, CallContext, Caller, Code, Refusal, Reply, Request, SignatureFormat};
use vault_encoding::{Hash, Json, Limits, text::base64url};
use vault_policy::{KeyHandle, KeyPolicy, KeyType, KeyVersion, SenderConstraint};

pub(crate) const MESSAGE: &[u8] = b"pay 100 to bob";
pub(crate) const TLS_KEY: Hash = Hash([0x71; 32]);

/// A person with a token, on the connection of one TLS client key.
pub(crate) fn caller(name: &str, tls_key: Option<Hash>) -> Caller {
    let token = token(name, &["vault:owner"], SenderConstraint::None);
    Caller::new(Some(token), None)
        .unwrap()
        .with_tls_key(tls_key)
}

pub(crate) fn service() -> Caller {
    caller("service", Some(TLS_KEY))
}

pub(crate) fn ann() -> Caller {
    caller("ann", Some(TLS_KEY))
}

pub(crate) fn new_authenticator(algorithm: Fido2Algorithm) -> Authenticator {
    Authenticator::new(algorithm, "localhost", "http://localhost:8443")
}

/// The managers of the tests.
pub(crate) struct Managers {
    pub(crate) bob: Authenticator,
    /// Bob's other one.
    pub(crate) bobs: Authenticator,
    pub(crate) carol: Authenticator,
    /// The owner's second factor, where a policy asks for one.
    pub(crate) factor: Authenticator,
    /// In no policy.
    pub(crate) mallory: Authenticator,
}

impl Managers {
    pub(crate) fn new() -> Self {
        let [es256, eddsa] = [Fido2Algorithm::Es256, Fido2Algorithm::Eddsa];
        Self {
            bob: new_authenticator(es256),
            bobs: new_authenticator(eddsa),
            carol: new_authenticator(eddsa),
            factor: new_authenticator(es256),
            mallory: new_authenticator(es256),
        }
    }
}

pub(crate) fn fido2(credential: &Fido2Credential) -> String {
    let algorithm = match credential.algorithm {
        Fido2Algorithm::Es256 => "es256",
        Fido2Algorithm::Eddsa => "eddsa",
    };
    format!(
        r#"{{"fido2":{{"algorithm":"{algorithm}","credential_id":"{}","origins":["{}"],"public_key":"{}","rp_id":"{}"}}}}"#,
        base64url(&credential.credential_id),
        credential.origins.first().unwrap(),
        base64url(&credential.public_key),
        credential.rp_id,
    )
}

pub(crate) fn oidc(subject: &str) -> String {
    format!(r#"{{"oidc":{{"issuer":"{ISSUER}","subject":"{subject}"}}}}"#)
}

/// What a policy of the tests varies in.
pub(crate) struct Terms {
    /// Of the managers in the rule.
    pub(crate) threshold: u8,
    pub(crate) oidc: &'static str,
    /// Whether carol is one.
    pub(crate) carol: bool,
    /// Whether the owner has a second factor.
    pub(crate) factor: bool,
    pub(crate) fresh_for: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            threshold: 1,
            oidc: "refused",
            carol: true,
            factor: false,
            fresh_for: 300,
        }
    }
}

/// `service` and `bob` may use the key once managers approve: bob (two authenticators, and a token), carol
/// (one), dave (a token). The owner is ann.
pub(crate) fn policy(managers: &Managers, operations: &str, terms: &Terms) -> KeyPolicy {
    let bob = [&managers.bob, &managers.bobs].map(|device| fido2(device.credential()));
    let carol = fido2(managers.carol.credential());
    let carol = format!(r#",{{"id":"carol","credentials":[{carol}]}}"#);
    let factor = fido2(managers.factor.credential());
    let factor = format!(r#","second_factor":{factor}"#);
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
        "principals":{{
          "owner":{{"issuer":"{ISSUER}","subject":"ann"{}}},
          "callers":[{{"id":"service","oidc":{{"issuer":"{ISSUER}","subject":"service"}}}},
                     {{"id":"bob-calls","oidc":{{"issuer":"{ISSUER}","subject":"bob"}}}}],
          "managers":[{{"id":"bob","credentials":[{},{},{}]}}{},{{"id":"dave","credentials":[{}]}}]}},
        "operations":[{{"name":"approved","operations":[{operations}],
          "principals":["service","bob-calls"],
          "condition":{{"manager_approval":{{"managers":["bob"{},"dave"],"threshold":{},"oidc":"{}","fresh_for":{}}}}}}}]}}"#,
        if terms.factor { factor.as_str() } else { "" },
        bob[0],
        bob[1],
        oidc("bob"),
        if terms.carol { carol.as_str() } else { "" },
        oidc("dave"),
        if terms.carol { r#","carol""# } else { "" },
        terms.threshold,
        terms.oidc,
        terms.fresh_for,
    );
    policy_of(&document)
}

pub(crate) fn policy_of(document: &str) -> KeyPolicy {
    let limits = Limits {
        bytes: 1 << 16,
        depth: 16,
        nodes: 1 << 12,
    };
    let json = Json::parse(document.as_bytes(), limits).unwrap();
    KeyPolicy::from_json(&json).unwrap()
}

pub(crate) const SIGNING: &str = r#""sign","verify","get_public_key""#;

pub(crate) fn create(bench: &mut Bench, policy: &KeyPolicy, kind: KeyType, number: u8) -> KeyInfo {
    let creation = CreateKey {
        handle: KeyHandle([number; 16]),
        key_type: kind,
        name: String::new(),
        policy: policy.canonical_bytes().to_vec(),
        labels: Vec::new(),
        share: None,
    };
    match bench.call(&ann(), Request::CreateKey(creation)) {
        Ok(Reply {
            answer: Answer::CreateKey(info),
            ..
        }) => info,
        Ok(_) => panic!("another answer"),
        Err(refusal) => panic!("{refusal:?}"),
    }
}

pub(crate) fn pinned(info: &KeyInfo) -> KeyRef {
    KeyRef {
        handle: info.handle,
        lineage: Some(info.lineage),
    }
}

pub(crate) fn sign(key: KeyRef, message: &[u8], format: SignatureFormat) -> Request {
    let input = Payload::Message(message.to_vec());
    Request::Sign(Sign { key, input, format })
}

/// The request of [`sign`] over [`MESSAGE`] as it is approved.
pub(crate) fn sign_request() -> ApprovalRequest {
    ApprovalRequest::Sign {
        key_version: KeyVersion(1),
        payload: Digested::of(MESSAGE),
        format: SignatureForm::P1363,
    }
}

pub(crate) fn begin(
    bench: &mut Bench,
    who: &Caller,
    key: KeyRef,
    request: &ApprovalRequest,
    valid_for: u64,
) -> Result<Statement, Refusal> {
    let request = Request::BeginApproval {
        key,
        request: request.canonical_bytes(),
        valid_for,
    };
    let reply = bench.call(who, request)?;
    let Answer::BeginApproval { statement } = reply.answer else {
        panic!("another answer");
    };
    Ok(Statement::parse(&statement).unwrap())
}

/// What these authenticators sign over this statement alone.
pub(crate) fn approve(statement: &Statement, by: &[&Authenticator]) -> Approval {
    approve_bytes(statement, &statement.canonical_bytes(), by)
}

/// The same over any bytes, under the nonce of a statement.
pub(crate) fn approve_bytes(
    statement: &Statement,
    bytes: &[u8],
    by: &[&Authenticator],
) -> Approval {
    let salt = [0x5a; 32];
    let padding: Vec<_> = (1..16).map(|number| [number; 32]).collect();
    let tree = ApprovalTree::new(&[(salt, bytes.to_vec())], &padding).unwrap();
    let challenge = tree.challenge();
    let proofs = by
        .iter()
        .map(|device| Proof::Fido2(device.assert(&challenge)));
    Approval {
        nonce: statement.nonce,
        salt,
        index: 0,
        path: tree.path(0).unwrap(),
        proofs: proofs.collect(),
    }
}

pub(crate) fn with(approval: Approval) -> CallContext {
    CallContext {
        approval: Some(approval),
        ..CallContext::default()
    }
}

/// The code of a refusal, and of the policy's the condition.
pub(crate) fn refused(outcome: Result<Reply, Refusal>) -> (Code, String) {
    let refusal = outcome.map(|_| ()).unwrap_err();
    let why = refusal.condition.or(refusal.detail).unwrap_or_default();
    (refusal.code, why)
}
