//! Approvals of what callers ask who have nothing but a client certificate.

use crate::common::{Bench, ISSUER};
use crate::world::{
    MESSAGE, Managers, approve, begin, create, fido2, oidc, pinned, policy_of, refused, sign,
    sign_request, with,
};
use vault_approval::{Approval, ApprovalFault, OidcApproval, Proof, RequesterPrincipal, Statement};
use vault_audit::Principal;
use vault_core::api::KeyRef;
use vault_core::{Answer, Caller, Code, Refusal, Reply, Request, SignatureFormat};
use vault_encoding::Hash;
use vault_policy::{CertificateFacts, KeyType};

const HOSTS: [Hash; 2] = [Hash([0x11; 32]), Hash([0x12; 32])];

fn holder(spki: Hash) -> Caller {
    Caller::of_certificate(CertificateFacts {
        spki,
        sans: Default::default(),
        issuers: Default::default(),
    })
}

/// Two hosts sign once bob and dave approve.
fn world() -> (Bench, Managers, KeyRef) {
    let (mut bench, managers) = (Bench::new(), Managers::new());
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
        "principals":{{"owner":{{"issuer":"{ISSUER}","subject":"ann"}},
          "mtls":[{{"id":"one","spki":"{}"}},{{"id":"two","spki":"{}"}}],
          "managers":[{{"id":"bob","credentials":[{}]}},{{"id":"carol","credentials":[{}]}},{{"id":"dave","credentials":[{}]}}]}},
        "operations":[{{"name":"approved","operations":["sign","verify","get_public_key"],
          "principals":["one","two"],
          "condition":{{"manager_approval":{{"managers":["bob","dave"],"threshold":2,"oidc":"allowed","fresh_for":300}}}}}}]}}"#,
        HOSTS[0],
        HOSTS[1],
        fido2(managers.bob.credential()),
        fido2(managers.carol.credential()),
        oidc("dave"),
    );
    let info = create(&mut bench, &policy_of(&document), KeyType::P256Signing, 1);
    (bench, managers, pinned(&info))
}

fn used(bench: &mut Bench, who: &Caller, key: KeyRef, made: Approval) -> Result<Reply, Refusal> {
    bench.with(who, sign(key, MESSAGE, SignatureFormat::P1363), with(made))
}

/// The vault's word for dave, who asks with his token.
fn token(bench: &mut Bench, key: KeyRef, statement: &Statement) -> OidcApproval {
    let request = Request::IssueApproval {
        key,
        statement: statement.canonical_bytes(),
    };
    let reply = bench.call(&crate::world::caller("dave", None), request);
    match reply.unwrap().answer {
        Answer::IssueApproval(token) => token,
        _ => panic!("another answer"),
    }
}

#[test]
fn a_certificate_begins_and_brings_what_two_persons_approved_and_is_no_person_itself() {
    let (mut bench, m, key) = world();
    let host = holder(HOSTS[0]);
    let begun = begin(&mut bench, &host, key, &sign_request(), 0).unwrap();
    let entry = bench.entries().pop().unwrap();
    let named = [Principal::Certificate { spki: HOSTS[0] }];
    assert_eq!(entry.principals, named);
    let asks = RequesterPrincipal::Certificate { spki: HOSTS[0] };
    assert_eq!(begun.requester.principals, [asks].into());
    assert_eq!(begun.requester.tls_client_key, Some(HOSTS[0]));
    // One person is not two, and whoever calls adds nobody.
    let outcome = used(&mut bench, &host, key, approve(&begun, &[&m.bob]));
    assert_eq!(refused(outcome).0, Code::PolicyDenied);
    let begun = begin(&mut bench, &host, key, &sign_request(), 0).unwrap();
    let mut made = approve(&begun, &[&m.bob]);
    made.proofs
        .push(Proof::Oidc(token(&mut bench, key, &begun)));
    assert!(used(&mut bench, &host, key, made.clone()).is_ok());
    let twice = refused(used(&mut bench, &host, key, made));
    assert_eq!(
        twice,
        (Code::ApprovalRefused, ApprovalFault::Nonce.to_string())
    );
}

#[test]
fn nobody_with_another_certificate_brings_or_spends_what_one_began() {
    let (mut bench, m, key) = world();
    let host = holder(HOSTS[0]);
    let begun = begin(&mut bench, &host, key, &sign_request(), 0).unwrap();
    let mut made = approve(&begun, &[&m.bob]);
    made.proofs
        .push(Proof::Oidc(token(&mut bench, key, &begun)));
    let other = used(&mut bench, &holder(HOSTS[1]), key, made.clone());
    assert_eq!(refused(other).0, Code::ApprovalRefused);
    let stranger = used(&mut bench, &holder(Hash([0x77; 32])), key, made.clone());
    assert_eq!(refused(stranger).0, Code::NotFound);
    assert!(used(&mut bench, &host, key, made).is_ok());
}

#[test]
fn the_64_requests_that_wait_are_of_all_certificates_together() {
    let (mut bench, _, key) = world();
    for number in 0..64 {
        let who = holder(HOSTS[number % 2]);
        begin(&mut bench, &who, key, &sign_request(), 60).unwrap();
    }
    for spki in HOSTS {
        let full = begin(&mut bench, &holder(spki), key, &sign_request(), 60);
        assert_eq!(full.unwrap_err().code, Code::QuotaExceeded);
    }
}
