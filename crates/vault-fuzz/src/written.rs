//! What people hand to the tools: policies in YAML or JSON, PEM files, keys of logs, roots of trust, software credentials,
//! and the answers of token endpoints.

use bytes::Bytes;
use ratls::TrustRoot;
use vault_audit::LogKey;
use vault_client::approval::SoftwareCredential;
use vault_client::token::{ClientCredentials, ProofKey, TrustedRoots};
use vault_governance::SigningKey;
use vault_policy::{KeyHandle, KeyPolicy, Lineage};

#[path = "../../vault-cli/src/asked.rs"]
#[allow(unreachable_pub, reason = "the client's")]
mod asked;
#[path = "../../vault-cli/src/pem.rs"]
#[allow(unreachable_pub, reason = "the client's")]
mod pem;
#[path = "../../vault-cli/src/policy_text.rs"]
#[allow(unreachable_pub, reason = "the client's")]
mod policy_text;

const LABEL: &str = "PUBLIC KEY";

/// One input: which of them, then its text.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    match mode % 8 {
        0 => policy(body),
        1 => armour(body),
        2 => signing_key(body),
        3 => log_key(body),
        4 => {
            if let Ok(root) = TrustRoot::from_der(body) {
                assert_eq!(root.der(), body);
            }
        }
        5 => {
            granted(body);
            names(body);
        }
        6 => credential(body),
        _ => approval_files(body),
    }
}

/// Files of a request and its answers, parted by NUL: one file with everything says the same.
fn approval_files(body: &[u8]) {
    let mut parts = asked::Parts::default();
    for file in body.split(|byte| *byte == 0) {
        if parts.take(file).is_err() {
            return;
        }
    }
    let Ok(asked) = parts.asked() else {
        return;
    };
    let file = asked.to_file().expect("JSON");
    let mut parts = asked::Parts::default();
    parts.take(&file).expect("what was written");
    let again = parts.asked().expect("what was written");
    assert_eq!(again.gesture, asked.gesture);
    assert_eq!(again.answers, asked.answers);
    assert_eq!(again.to_file().ok(), Some(file), "two spellings");
}

/// For seeds: a request alone, with an answer beside it, and both in one file.
pub(crate) fn approvals() -> Vec<Vec<u8>> {
    let case: serde_json::Value =
        serde_json::from_str(include_str!("../../../vectors/approval/answers.json")).expect("vectors");
    let part = |name| case.pointer(name).and_then(|text| text.as_str()).expect("a text").as_bytes();
    let (bundle, answer) = (part("/bundle"), part("/accepted/0/answer"));
    let mut parts = asked::Parts::default();
    parts.take(bundle).expect("a bundle");
    parts.take(answer).expect("an answer");
    let both = parts.asked().expect("a request").to_file().expect("JSON");
    vec![bundle.to_vec(), [bundle, answer].join(&0), both]
}

/// A software credential is written as it was read, and signs under the key that it names.
fn credential(body: &[u8]) {
    let Ok(read) = SoftwareCredential::parse(body) else {
        return;
    };
    let written = read.to_json();
    let again = SoftwareCredential::parse(&written).expect("what was written");
    assert!(*again.to_json() == *written, "two spellings");
    assert_eq!(again.credential_id(), read.credential_id());
    assert_eq!(again.principal(), read.principal());
}

/// What is shown of a policy reads back as the same.
fn policy(body: &[u8]) {
    let Ok(document) = policy_text::parse(body) else {
        return;
    };
    let Ok(policy) = KeyPolicy::from_json(&document) else {
        return;
    };
    let canonical = policy.to_canonical();
    let yaml = policy_text::to_yaml(&canonical).expect("a policy");
    let json = policy_text::to_value(&canonical).to_string();
    for text in [yaml, json] {
        let again = policy_text::parse(text.as_bytes()).expect("what was shown");
        let again = KeyPolicy::from_json(&again).expect("what was shown");
        assert_eq!(again.hash(), policy.hash());
    }
}

/// A credential for the corpus: its key is new every time.
pub fn new_credential() -> Vec<u8> {
    let made = SoftwareCredential::generate("wallet.test", "https://wallet.test").expect("a key");
    [&[6], &made.to_json()[..]].concat()
}

/// As it is shown, for seeds.
pub(crate) fn yaml_of(policy: &[u8]) -> String {
    let policy = KeyPolicy::from_canonical(policy).expect("a policy");
    policy_text::to_yaml(&policy.to_canonical()).expect("a policy")
}

fn armour(body: &[u8]) {
    let written = pem::encode(LABEL, body);
    assert_eq!(pem::decode(written.as_bytes(), LABEL).as_deref(), Some(body));
    assert_eq!(pem::decode(written.as_bytes(), "CERTIFICATE"), None);
    if let Some(der) = pem::decode(body, LABEL) {
        let again = pem::encode(LABEL, &der);
        assert_eq!(pem::decode(again.as_bytes(), LABEL), Some(der));
    }
    if let Some(all) = pem::decode_all(body, LABEL) {
        assert_eq!(pem::decode(body, LABEL).as_ref(), all.first());
        let again: String = all.iter().map(|der| pem::encode(LABEL, der)).collect();
        assert_eq!(pem::decode_all(again.as_bytes(), LABEL), Some(all));
    }
}

fn signing_key(body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    if let Ok(key) = SigningKey::from_pem(&text) {
        assert_eq!(SigningKey::from_pem(&text).map(|again| again.public()).ok(), Some(key.public()));
    }
}

fn log_key(body: &[u8]) {
    if let Ok(key) = LogKey::from_spki(body) {
        assert_eq!(key.to_spki(), body);
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return;
    };
    if let Ok(key) = LogKey::from_vkey(text) {
        let name = text.split_once('+').expect("a name").0;
        assert_eq!(key.to_vkey(name), text, "two spellings");
    }
}

/// A token endpoint's answer, and one that refuses: a header can be made of what is taken, or that is an error, which
/// moves no terminal.
fn granted(body: &[u8]) {
    let client = ClientCredentials {
        endpoint: http::Uri::from_static("https://issuer.test/token"),
        client_id: "client".into(),
        secret_file: "/nowhere".into(),
        scope: None,
        audience: None,
        per_vault: false,
        sender: ProofKey::default(),
        roots: TrustedRoots::System,
    };
    for status in [200, 400, 503] {
        let mut answer = http::Response::new(Bytes::copy_from_slice(body));
        *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        let (header, again) = client.header_of(&answer);
        assert!(!again || status == 400, "asked again for {status}");
        match header {
            Ok(header) => {
                assert_eq!(status, 200);
                assert!(header.is_sensitive(), "a token that may be printed");
                assert!(header.as_bytes().iter().all(|byte| *byte == b'\t' || *byte >= b' '));
            }
            Err(error) => {
                let shown = error.to_string();
                assert!(shown.chars().all(|character| !character.is_control()), "{shown:?}");
                assert!(shown.len() < 4096, "{} bytes", shown.len());
            }
        }
    }
}

/// Names have one spelling.
fn names(body: &[u8]) {
    let Ok(text) = std::str::from_utf8(body) else {
        return;
    };
    if let Ok(handle) = text.parse::<KeyHandle>() {
        assert_eq!(handle.to_string(), text);
    }
    if let Ok(lineage) = text.parse::<Lineage>() {
        assert_eq!(lineage.to_string(), text);
    }
}
