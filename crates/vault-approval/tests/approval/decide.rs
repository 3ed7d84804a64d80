//! The decision itself: what it takes, one thing wrong at a time, and what comes out of it.

use crate::authenticator::Authenticator;
use crate::support::{hash, requests, statement, subject};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use vault_approval::{
    Approval, ApprovalFault, ApprovalTree, Approvals, Beginner, Fido2Algorithm, Held, MOST_PROOFS,
    Nonce, Nonces, OidcApproval, Opened, Proof, Statement, digest, token_message, verify_approval,
};
use vault_encoding::{Hash, sha256};
use vault_policy::{Approver, OidcSubject, UnixSeconds, VaultId, VaultTime};

const BEGUN: u64 = 1_800_000_000;
const NOT_AFTER: u64 = 1_800_003_600;
const SALT: [u8; 32] = [3; 32];
const PADDING: [[u8; 32]; 15] = [[4; 32]; 15];

fn at(seconds: u64) -> VaultTime {
    VaultTime::Known {
        lo: UnixSeconds(seconds),
        hi: UnixSeconds(seconds),
    }
}

/// One vault, one request, and who may approve it.
struct World {
    vault: Ed25519KeyPair,
    vault_key: [u8; 32],
    bob: Authenticator,
    carol: Authenticator,
    statement: Statement,
    dave: OidcSubject,
}

/// What a test falsifies before it asks.
struct Asked {
    approval: Approval,
    /// What was begun.
    begun: Statement,
    not_after: u64,
    now: VaultTime,
    dave: (&'static str, OidcSubject),
    vault_key: [u8; 32],
}

impl World {
    fn new() -> Self {
        let vault = Ed25519KeyPair::generate().unwrap();
        let vault_key = vault.public_key().as_ref().try_into().unwrap();
        let passkey =
            |algorithm| Authenticator::new(algorithm, "wallet.test", "https://wallet.test");
        Self {
            vault,
            vault_key,
            bob: passkey(Fido2Algorithm::Es256),
            carol: passkey(Fido2Algorithm::Eddsa),
            statement: statement(0, requests().remove(0)),
            dave: subject("dave"),
        }
    }

    fn tree(&self) -> ApprovalTree {
        let leaf = (SALT, self.statement.canonical_bytes());
        ApprovalTree::new(&[leaf], &PADDING).unwrap()
    }

    fn passkey(&self, by: &Authenticator) -> Proof {
        Proof::Fido2(by.assert(&self.tree().challenge()))
    }

    fn word(&self) -> OidcApproval {
        let said = self.statement.hash();
        let message = token_message(&said, &self.statement.vault_id, "dave", &self.dave);
        OidcApproval {
            manager: "dave".into(),
            by: self.dave.clone(),
            signature: self.vault.sign(&message).as_ref().to_vec(),
        }
    }

    fn asked(&self, proofs: Vec<Proof>) -> Asked {
        Asked {
            approval: Approval {
                nonce: self.statement.nonce,
                salt: SALT,
                index: 0,
                path: self.tree().path(0).unwrap(),
                proofs,
            },
            begun: self.statement.clone(),
            not_after: NOT_AFTER,
            now: at(BEGUN + 60),
            dave: ("dave", self.dave.clone()),
            vault_key: self.vault_key,
        }
    }

    fn verify(&self, asked: &Asked) -> Result<Approvals, ApprovalFault> {
        let credentials = [self.bob.credential(), self.carol.credential()];
        let held = Held {
            statement: &self.statement,
            credentials: &credentials,
            subjects: &[(asked.dave.0, &asked.dave.1)],
            vault_key: &asked.vault_key,
            now: asked.now,
        };
        verify_approval(
            &asked.approval,
            opened(&asked.begun, asked.not_after),
            &held,
        )
    }

    fn refused(&self, change: impl FnOnce(&mut Asked)) -> ApprovalFault {
        let mut asked = self.asked(vec![self.passkey(&self.bob), Proof::Oidc(self.word())]);
        assert!(self.verify(&asked).is_ok());
        change(&mut asked);
        self.verify(&asked).unwrap_err()
    }
}

fn opened(begun: &Statement, not_after: u64) -> Opened {
    let mut nonces = Nonces::default();
    let beginner = Beginner {
        account: 1,
        who: hash("who"),
    };
    let (nonce, said) = (Nonce([9; 32]), sha256(&begun.canonical_bytes()));
    nonces
        .open(beginner, nonce, said, UnixSeconds(not_after), at(BEGUN))
        .unwrap();
    nonces.take(&nonce, &beginner).unwrap()
}

#[test]
fn everybody_who_proves_it_has_approved_what_was_begun_and_when() {
    let world = World::new();
    let proofs = vec![
        world.passkey(&world.carol),
        Proof::Oidc(world.word()),
        world.passkey(&world.bob),
        world.passkey(&world.bob),
    ];
    let approvals = world.verify(&world.asked(proofs)).unwrap();
    let by = |passkey: &Authenticator| Approver::Fido2 {
        credential_id: passkey.credential().credential_id.clone(),
        public_key: passkey.credential().public_key.clone(),
    };
    let (bob, carol) = (by(&world.bob), by(&world.carol));
    let expected = [&carol, &Approver::Oidc(world.dave.clone()), &bob, &bob];
    let approved = approvals.approved();
    assert!(approved.iter().map(|one| &one.by).eq(expected));
    assert!(approved.iter().all(|one| one.begun == at(BEGUN)));
    assert_eq!(approvals.statement(), world.statement.hash());
    // Each authenticator counts its assertions.
    let counted = [(digest(&carol), 1), (digest(&bob), 1), (digest(&bob), 2)];
    assert_eq!(approvals.counters(), counted);
    let logged: Vec<Hash> = [world.statement.hash()]
        .into_iter()
        .chain(expected.map(digest))
        .collect();
    assert_eq!(approvals.logged(), logged);
}

/// As `docs/audit-log.md` says it, so that whoever has the policy finds the credential.
#[test]
fn an_approver_is_logged_by_a_digest_of_their_own() {
    let fido2 = Approver::Fido2 {
        credential_id: vec![1, 2],
        public_key: vec![3],
    };
    let domain: &[u8] = b"enclave-vaults/approver/v1\0";
    let said = |text: &str| sha256(&[domain, text.as_bytes()].concat());
    assert_eq!(
        digest(&fido2),
        said(r#"{"fido2":{"credential_id":"AQI","public_key":"Aw"}}"#)
    );
    assert_eq!(
        digest(&Approver::Oidc(subject("dave"))),
        said(r#"{"oidc":{"issuer":"https://issuer.example","subject":"dave"}}"#)
    );
}

#[test]
fn it_takes_proofs_and_not_more_than_sixteen() {
    let world = World::new();
    let word = || Proof::Oidc(world.word());
    let many = |count| world.verify(&world.asked((0..count).map(|_| word()).collect()));
    assert_eq!(many(0), Err(ApprovalFault::Proofs));
    assert_eq!(many(MOST_PROOFS).unwrap().approved().len(), MOST_PROOFS);
    assert_eq!(many(MOST_PROOFS + 1), Err(ApprovalFault::Proofs));
}

#[test]
fn it_is_good_before_its_end_only_and_only_where_time_is_known() {
    let world = World::new();
    let asked_at = |now| {
        let mut asked = world.asked(vec![world.passkey(&world.bob)]);
        asked.now = now;
        world.verify(&asked).map(|_| ())
    };
    assert_eq!(asked_at(at(NOT_AFTER - 1)), Ok(()));
    assert_eq!(asked_at(at(NOT_AFTER)), Err(ApprovalFault::Expired));
    assert_eq!(asked_at(VaultTime::Unknown), Err(ApprovalFault::Expired));
}

#[test]
fn it_is_good_for_what_was_begun_at_its_place_in_its_tree() {
    let world = World::new();
    let other = statement(0, requests().remove(1));
    assert_eq!(
        world.refused(|asked| asked.begun = other),
        ApprovalFault::OtherRequest
    );
    assert_eq!(
        world.refused(|asked| asked.approval.index = 16),
        ApprovalFault::Index
    );
    let elsewhere: [fn(&mut Approval); 3] = [
        |it| it.index = 1,
        |it| it.salt[0] ^= 1,
        |it| it.path[3].0[0] ^= 1,
    ];
    for change in elsewhere {
        let fault = world.refused(|asked| change(&mut asked.approval));
        assert_eq!(fault, ApprovalFault::Challenge);
    }
}

#[test]
fn one_proof_that_is_not_good_refuses_all() {
    let world = World::new();
    let stranger = Authenticator::new(Fido2Algorithm::Es256, "wallet.test", "https://wallet.test");
    let strangers = world.passkey(&stranger);
    assert_eq!(
        world.refused(|asked| asked.approval.proofs.push(strangers)),
        ApprovalFault::UnknownCredential
    );
    let other = Proof::Fido2(world.bob.assert(&hash("another challenge")));
    assert_eq!(
        world.refused(|asked| asked.approval.proofs.push(other)),
        ApprovalFault::Challenge
    );
    // Bob's name on what carol has signed.
    let mut borrowed = world.carol.assert(&world.tree().challenge());
    borrowed.credential_id = world.bob.credential().credential_id.clone();
    let fault = world.refused(|asked| asked.approval.proofs.push(Proof::Fido2(borrowed)));
    assert_eq!(fault, ApprovalFault::Signature);
}

#[test]
fn a_word_is_of_this_vault_over_this_statement_about_a_manager_by_their_own_subject() {
    let world = World::new();
    let wrong = |change: fn(&mut OidcApproval)| {
        let mut word = world.word();
        change(&mut word);
        world.refused(|asked| asked.approval.proofs.push(Proof::Oidc(word)))
    };
    assert_eq!(
        wrong(|it| it.manager = "bob".into()),
        ApprovalFault::UnknownCredential
    );
    assert_eq!(
        wrong(|it| it.by = subject("ann")),
        ApprovalFault::UnknownCredential
    );
    assert_eq!(wrong(|it| it.signature[0] ^= 1), ApprovalFault::Signature);
    assert_eq!(
        world.refused(|asked| asked.vault_key = [7; 32]),
        ApprovalFault::Signature
    );
    assert_eq!(
        world.refused(|asked| asked.dave = ("dave", subject("another"))),
        ApprovalFault::UnknownCredential
    );
    for (said, vault) in [
        (hash("another statement"), world.statement.vault_id),
        (world.statement.hash(), VaultId(hash("vault 1"))),
    ] {
        let message = token_message(&said, &vault, "dave", &world.dave);
        let mut word = world.word();
        word.signature = world.vault.sign(&message).as_ref().to_vec();
        let fault = world.refused(|asked| asked.approval.proofs.push(Proof::Oidc(word)));
        assert_eq!(fault, ApprovalFault::Signature);
    }
}
