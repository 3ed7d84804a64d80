//! Signatures and tags against the `openssl` command, in both directions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the test runs another program on files"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{permit, random, subject};
use vault_encoding::{sha256, text};
use vault_keys::{KeyIdentity, KeyMaterial, ParsedKey, SecretAccess, SignInput, SignatureFormat};
use vault_policy::{KeyType, Operation};

/// PKCS#8 v1 (RFC 5958) up to the 32 bytes of the secret.
const P256_PKCS8: &str = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";
const ED25519_PKCS8: &str = "302e020100300506032b657004220420";
const ROUNDS: usize = 8;

struct Workspace {
    dir: tempfile::TempDir,
    secret: [u8; 32],
    key: ParsedKey,
}

impl Workspace {
    fn new(key_type: KeyType) -> Self {
        let mut secret = [0; 32];
        random(&mut secret);
        let access = SecretAccess::granted();
        let material = KeyMaterial::from_secret_bytes(key_type, &secret, access).unwrap();
        let key = ParsedKey::parse(KeyIdentity::of_subject(&subject()), &material).unwrap();
        Self {
            dir: tempfile::tempdir().unwrap(),
            secret,
            key,
        }
    }

    fn file(&self, name: &str, contents: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path
    }

    fn public(&self) -> PathBuf {
        let spki = self
            .key
            .public_key(permit(Operation::GetPublicKey))
            .unwrap();
        self.file("public.der", &spki)
    }

    fn private(&self, prefix: &str) -> PathBuf {
        let pkcs8 = [prefix, &text::hex(&self.secret)].concat();
        let bytes: Vec<u8> = (0..pkcs8.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&pkcs8[at..at + 2], 16).unwrap())
            .collect();
        self.file("private.der", &bytes)
    }

    fn sign(&self, input: SignInput<'_>, format: SignatureFormat) -> Vec<u8> {
        let permit = permit(input.sign_operation());
        self.key
            .sign(permit, input, format)
            .unwrap()
            .as_ref()
            .to_vec()
    }

    fn verify(&self, message: &[u8], format: SignatureFormat, signature: &[u8]) -> bool {
        let permit = permit(Operation::Verify);
        self.key
            .verify(permit, SignInput::Message(message), format, signature)
            .unwrap()
    }
}

fn openssl(arguments: &[&str], files: &[(&str, &Path)]) -> (bool, Vec<u8>) {
    let mut command = Command::new("openssl");
    command.args(arguments);
    for (option, path) in files {
        command.arg(option).arg(path);
    }
    let output = command.output().expect("the openssl command is installed");
    (output.status.success(), output.stdout)
}

fn message() -> Vec<u8> {
    let mut message = vec![0; 100];
    random(&mut message);
    message
}

#[test]
fn openssl_accepts_our_p256_signatures_and_refuses_changed_ones() {
    for _ in 0..ROUNDS {
        let (space, message) = (Workspace::new(KeyType::P256Signing), message());
        let digest = sha256(&message);
        for input in [
            SignInput::Message(&message),
            SignInput::Digest(digest.as_bytes()),
        ] {
            let signature = space.file("signature", &space.sign(input, SignatureFormat::Der));
            let verify = |message: &[u8]| {
                let message = space.file("message", message);
                openssl(
                    &[
                        "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-digest",
                        "sha256",
                    ],
                    &[
                        ("-inkey", &space.public()),
                        ("-sigfile", &signature),
                        ("-in", &message),
                    ],
                )
            };
            assert!(verify(&message).0);
            assert!(!verify(b"another message").0);
        }
    }
}

#[test]
fn we_accept_the_p256_signatures_of_openssl() {
    for _ in 0..ROUNDS {
        let (space, message) = (Workspace::new(KeyType::P256Signing), message());
        let (ok, signature) = openssl(
            &[
                "pkeyutl", "-sign", "-keyform", "DER", "-rawin", "-digest", "sha256",
            ],
            &[
                ("-inkey", &space.private(P256_PKCS8)),
                ("-in", &space.file("message", &message)),
            ],
        );
        assert!(ok);
        assert!(space.verify(&message, SignatureFormat::Der, &signature));
        assert!(!space.verify(b"another message", SignatureFormat::Der, &signature));
    }
}

#[test]
fn our_ed25519_signatures_are_those_of_openssl() {
    for _ in 0..ROUNDS {
        let (space, message) = (Workspace::new(KeyType::Ed25519Signing), message());
        let file = space.file("message", &message);
        let ours = space.sign(SignInput::Message(&message), SignatureFormat::P1363);
        let (ok, theirs) = openssl(
            &["pkeyutl", "-sign", "-keyform", "DER", "-rawin"],
            &[("-inkey", &space.private(ED25519_PKCS8)), ("-in", &file)],
        );
        assert!(ok);
        assert_eq!(ours, theirs);
        assert!(space.verify(&message, SignatureFormat::P1363, &theirs));
        let (accepted, _) = openssl(
            &["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"],
            &[
                ("-inkey", &space.public()),
                ("-sigfile", &space.file("signature", &ours)),
                ("-in", &file),
            ],
        );
        assert!(accepted);
    }
}

#[test]
fn our_tags_are_those_of_openssl() {
    for _ in 0..ROUNDS {
        let (space, message) = (Workspace::new(KeyType::HmacSha256), message());
        let option = format!("hexkey:{}", text::hex(&space.secret));
        let file = space.file("message", &message);
        let (ok, output) = openssl(
            &[
                "dgst",
                "-sha256",
                "-mac",
                "HMAC",
                "-macopt",
                &option,
                "-binary",
                file.to_str().unwrap(),
            ],
            &[],
        );
        assert!(ok);
        assert_eq!(
            space
                .key
                .mac(permit(Operation::Mac), &message)
                .unwrap()
                .as_slice(),
            output
        );
    }
}
