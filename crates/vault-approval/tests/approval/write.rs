//! Writes `vectors/approval`. Authenticators are new at every run, so that the files are written by hand only.

use crate::authenticator::{
    ATTESTED_CREDENTIAL, Authenticator, BACKED_UP, BACKUP_ELIGIBLE, EXTENSIONS, USER_PRESENT,
    USER_VERIFIED, Unsigned,
};
use crate::support::{folder, hash, pretty, requests, statement, statements, subject};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use vault_approval::{
    ApprovalAnswer, ApprovalRequest, ApprovalTree, Assertion, Bundle, Context, Decision, Digested,
    Fido2Algorithm, Fido2Credential, OidcApproval, Salted, Statement, challenge_of, padding_leaf,
    statement_leaf, token_message,
};
use vault_encoding::{Canonical, Hash, merkle, text::base64url};
use vault_policy::KeyVersion;

pub(crate) const RP_ID: &str = "localhost";
pub(crate) const ORIGIN: &str = "http://localhost:8443";

fn write(name: &str, value: &Canonical) {
    let mut text = String::new();
    pretty(value, 0, &mut text);
    text.push('\n');
    std::fs::create_dir_all(folder()).unwrap();
    std::fs::write(folder().join(name), text).unwrap();
}

fn utf8(bytes: Vec<u8>) -> Canonical {
    Canonical::text(String::from_utf8(bytes).unwrap())
}

fn named(name: &str, text: &str) -> Canonical {
    Canonical::map([
        ("name", Canonical::text(name)),
        ("text", Canonical::text(text)),
    ])
}

/// Changes of a text that make it another one; each must be refused.
fn spoiled(text: &str) -> Vec<(&'static str, String)> {
    let mut spoiled = vec![
        ("a space", text.replacen(':', ": ", 1)),
        ("an unknown member", text.replacen('{', "{\"a\":\"\",", 1)),
        ("a line feed behind it", format!("{text}\n")),
        ("cut off", text[..text.len() - 1].to_owned()),
        ("a number", text.replacen("\"1\"", "1", 1)),
        ("empty", "{}".to_owned()),
    ];
    spoiled.retain(|(_, changed)| changed != text);
    spoiled
}

fn write_requests() {
    let cases = requests().into_iter().map(|request| {
        Canonical::map([
            ("canonical", utf8(request.canonical_bytes())),
            ("operation", Canonical::text(request.operation())),
        ])
    });
    let sign = String::from_utf8(requests()[0].canonical_bytes()).unwrap();
    let mut refused: Vec<_> = spoiled(&sign)
        .into_iter()
        .map(|(name, text)| named(name, &text))
        .collect();
    for (name, from, to) in [
        ("an unknown operation", "\"sign\"", "\"create_key\""),
        ("a version with a leading zero", "\"1\"", "\"01\""),
        ("a version with a sign", "\"1\"", "\"+1\""),
        ("a version that does not fit", "\"1\"", "\"4294967296\""),
        ("an unknown signature format", "\"der\"", "\"raw\""),
        ("no signature format", ",\"signature_format\":\"der\"", ""),
        ("no key version", "\"key_version\":\"1\",", ""),
        ("a length that is negative", "\"14\"", "\"-14\""),
    ] {
        assert!(sign.contains(from), "{from}");
        refused.push(named(name, &sign.replace(from, to)));
    }
    let digest = hash("pay 100 to bob").to_string();
    assert!(sign.contains(&digest));
    refused.push(named(
        "a digest in upper case",
        &sign.replace(&digest, &digest.to_uppercase()),
    ));
    refused.push(named(
        "a short digest",
        &sign.replace(&digest, &digest[2..]),
    ));
    let value = Canonical::map([
        ("accepted", Canonical::list(cases)),
        ("refused", Canonical::list(refused)),
    ]);
    write("requests.json", &value);
}

fn write_statements() {
    let cases = statements().into_iter().map(|statement| {
        Canonical::map([
            ("hash", Canonical::text(statement.hash())),
            ("statement", utf8(statement.canonical_bytes())),
        ])
    });
    let first = statements()[0].clone();
    let text = String::from_utf8(first.canonical_bytes()).unwrap();
    let mut refused: Vec<_> = spoiled(&text)
        .into_iter()
        .map(|(name, text)| named(name, &text))
        .collect();
    let oidc = r#"{"oidc":{"issuer":"https://issuer.example","subject":"ann"}}"#;
    for (name, from, to) in [
        ("another type", "approval-statement", "approval-statement-2"),
        ("another version", "\"version\":\"1\"", "\"version\":\"2\""),
        ("no requester", &format!("[{oidc}]"), "[]"),
        (
            "a principal twice",
            &format!("[{oidc}]"),
            &format!("[{oidc},{oidc}]"),
        ),
        (
            "principals out of order",
            &format!("[{oidc}]"),
            &format!(
                "[{oidc},{{\"certificate\":{{\"spki\":\"{}\"}}}}]",
                hash("spki")
            ),
        ),
        (
            "a principal of two kinds",
            oidc,
            &oidc.replacen(
                '{',
                &format!("{{\"certificate\":{{\"spki\":\"{}\"}},", hash("spki")),
                1,
            ),
        ),
        ("a principal of no kind", oidc, "{}"),
        ("a handle in upper case", "k-ceirc", "k-CEIRC"),
        ("an expiry before 1970", "\"1800003600\"", "\"-1\""),
        (
            "a constellation that is empty",
            &hash("constellation").to_string(),
            "",
        ),
        (
            "a request of another form",
            "\"operation\":\"sign\"",
            "\"operation\":\"mac\"",
        ),
    ] {
        assert!(text.contains(from), "{from} {text}");
        refused.push(named(name, &text.replace(from, to)));
    }
    let value = Canonical::map([
        ("accepted", Canonical::list(cases)),
        ("refused", Canonical::list(refused)),
    ]);
    write("statements.json", &value);
}

pub(crate) fn salted(vault: u8, request: ApprovalRequest) -> Salted {
    Salted {
        statement: statement(vault, request),
        salt: hash(&format!("salt {vault}")).0,
    }
}

pub(crate) fn padding(from: usize) -> Vec<[u8; 32]> {
    (from..16)
        .map(|number| hash(&format!("padding {number}")).0)
        .collect()
}

fn tree_case(count: usize) -> Canonical {
    let statements: Vec<_> = (0..count)
        .map(|vault| salted(u8::try_from(vault).unwrap(), requests()[0].clone()))
        .map(|salted| (salted.salt, salted.statement.canonical_bytes()))
        .collect();
    let padding = padding(count);
    let tree = ApprovalTree::new(&statements, &padding).unwrap();
    let listed = (0u32..).zip(&statements).map(|(index, (salt, bytes))| {
        let path = tree.path(index).unwrap();
        Canonical::map([
            ("leaf", Canonical::text(statement_leaf(salt, bytes))),
            ("path", Canonical::list(path.iter().map(Canonical::text))),
            ("salt", Canonical::text(Hash(*salt))),
            ("statement", utf8(bytes.clone())),
        ])
    });
    let padding = padding.iter().map(|bytes| {
        Canonical::map([
            ("leaf", Canonical::text(padding_leaf(bytes))),
            ("random", Canonical::text(Hash(*bytes))),
        ])
    });
    Canonical::map([
        ("challenge", Canonical::text(tree.challenge())),
        ("padding", Canonical::list(padding)),
        ("root", Canonical::text(tree.root())),
        ("statements", Canonical::list(listed)),
    ])
}

/// The attack that the byte 0x02 of padding prevents: 15 random values, and one that is the leaf of a
/// statement which nobody is shown. Taken as leaves they give a challenge that approves both.
fn hidden_case() -> Canonical {
    let shown = salted(0, requests()[0].clone());
    let hidden = salted(1, ApprovalRequest::DeleteKey { window: 0 });
    let leaf = |salted: &Salted| statement_leaf(&salted.salt, &salted.statement.canonical_bytes());
    let mut fillers = padding(1);
    fillers[0] = leaf(&hidden).0;
    let raw = fillers.iter().map(|bytes| Hash(*bytes));
    let root = merkle::Tree::from_leaves(std::iter::once(leaf(&shown)).chain(raw)).root();
    let statements = [(shown.salt, shown.statement.canonical_bytes())];
    let right = ApprovalTree::new(&statements, &fillers).unwrap();
    assert_ne!(right.root(), root);
    Canonical::map([
        ("challenge", Canonical::text(right.challenge())),
        (
            "challenge_of_raw_leaves",
            Canonical::text(challenge_of(&root)),
        ),
        ("hidden", utf8(hidden.statement.canonical_bytes())),
        ("hidden_salt", Canonical::text(Hash(hidden.salt))),
        (
            "padding",
            Canonical::list(fillers.iter().map(|bytes| Canonical::text(Hash(*bytes)))),
        ),
        ("salt", Canonical::text(Hash(shown.salt))),
        ("statement", utf8(shown.statement.canonical_bytes())),
    ])
}

fn write_trees() {
    let trees = [1, 2, 3, 5, 15, 16].map(tree_case);
    let value = Canonical::map([
        ("hidden_among_the_padding", hidden_case()),
        ("trees", Canonical::list(trees)),
    ]);
    write("trees.json", &value);
}

fn write_credential(credential: &Fido2Credential) -> Canonical {
    Canonical::map([
        (
            "algorithm",
            Canonical::text(match credential.algorithm {
                Fido2Algorithm::Es256 => "es256",
                Fido2Algorithm::Eddsa => "eddsa",
            }),
        ),
        (
            "credential_id",
            Canonical::text(base64url(&credential.credential_id)),
        ),
        (
            "origins",
            Canonical::list(credential.origins.iter().map(Canonical::text)),
        ),
        (
            "public_key",
            Canonical::text(base64url(&credential.public_key)),
        ),
        ("rp_id", Canonical::text(&credential.rp_id)),
    ])
}

fn write_assertion(name: &str, expect: &str, assertion: &Assertion) -> Canonical {
    let bytes = |bytes: &[u8]| Canonical::text(base64url(bytes));
    Canonical::map([
        ("authenticator_data", bytes(&assertion.authenticator_data)),
        ("client_data_json", bytes(&assertion.client_data_json)),
        ("credential_id", bytes(&assertion.credential_id)),
        ("expect", Canonical::text(expect)),
        ("name", Canonical::text(name)),
        ("signature", bytes(&assertion.signature)),
    ])
}

type Change = fn(&mut Unsigned);

/// What is signed otherwise than it must be.
const FALSE: &[(&str, &str, Change)] = &[
    ("as a browser writes it", "accepted", |_| {}),
    ("crossOrigin left out", "accepted", |u| {
        u.cross_origin = None
    }),
    ("unknown members", "accepted", |u| {
        u.further = r#","other_keys_can_be_added_here":{"a":[1,null]}"#.into();
    }),
    ("backed up", "accepted", |u| {
        u.flags |= BACKUP_ELIGIBLE | BACKED_UP
    }),
    ("extensions", "accepted", |u| {
        u.flags |= EXTENSIONS;
        u.extensions = vec![0xa1, 0x63, b'a', b'b', b'c', 0xf5];
    }),
    ("a counter of zero", "accepted", |u| u.counter = 0),
    ("another type", "type", |u| {
        u.kind = "webauthn.create".into()
    }),
    ("a type of other letters", "type", |u| {
        u.kind = "Webauthn.get".into()
    }),
    ("another challenge", "challenge", |u| {
        u.challenge = base64url(&[7; 32])
    }),
    ("a padded challenge", "challenge", |u| u.challenge.push('=')),
    ("a challenge in hex", "challenge", |u| {
        u.challenge = vault_encoding::text::hex(&[0; 32])
    }),
    ("a short challenge", "challenge", |u| {
        u.challenge.truncate(42)
    }),
    ("an empty challenge", "challenge", |u| u.challenge.clear()),
    ("another origin", "origin", |u| {
        u.origin = "http://localhost:8444".into()
    }),
    ("an origin with a path", "origin", |u| u.origin.push('/')),
    ("an origin in upper case", "origin", |u| {
        u.origin = u.origin.to_uppercase()
    }),
    ("an origin that begins alike", "origin", |u| {
        u.origin.push_str(".evil.example")
    }),
    ("an empty origin", "origin", |u| u.origin.clear()),
    ("across origins", "cross_origin", |u| {
        u.cross_origin = Some("true".into())
    }),
    ("a top origin", "cross_origin", |u| {
        u.top_origin = Some(ORIGIN.into())
    }),
    ("a top origin and crossOrigin false", "cross_origin", |u| {
        u.top_origin = Some("https://evil.example".into());
    }),
    ("crossOrigin that is a text", "client_data", |u| {
        u.cross_origin = Some("\"false\"".into())
    }),
    ("crossOrigin that is null", "client_data", |u| {
        u.cross_origin = Some("null".into())
    }),
    ("a member twice", "client_data", |u| {
        u.further = r#","type":"webauthn.get""#.into()
    }),
    ("client data of two values", "client_data", |u| {
        u.further = r#"}{"a":"b""#.into()
    }),
    ("another relying party", "relying_party", |u| {
        u.rp_id = "evil.example".into()
    }),
    ("a relying party above", "relying_party", |u| {
        u.rp_id = "example".into()
    }),
    ("nobody present", "user_presence", |u| {
        u.flags &= !USER_PRESENT
    }),
    ("nobody verified", "user_verification", |u| {
        u.flags &= !USER_VERIFIED
    }),
    ("no flags", "user_presence", |u| u.flags = 0),
    ("an attested credential", "authenticator_data", |u| {
        u.flags |= ATTESTED_CREDENTIAL
    }),
    (
        "backed up and not eligible for it",
        "authenticator_data",
        |u| u.flags |= BACKED_UP,
    ),
    ("extensions without bytes", "authenticator_data", |u| {
        u.flags |= EXTENSIONS
    }),
    ("bytes without extensions", "authenticator_data", |u| {
        u.extensions = vec![0xa0]
    }),
    ("extensions cut off", "authenticator_data", |u| {
        u.flags |= EXTENSIONS;
        u.extensions = vec![0xa1, 0x63, b'a', b'b'];
    }),
    ("bytes behind the extensions", "authenticator_data", |u| {
        u.flags |= EXTENSIONS;
        u.extensions = vec![0xa0, 0];
    }),
    ("extensions that are no map", "authenticator_data", |u| {
        u.flags |= EXTENSIONS;
        u.extensions = vec![0x80];
    }),
    ("extensions of no given length", "authenticator_data", |u| {
        u.flags |= EXTENSIONS;
        u.extensions = vec![0xbf, 0xff];
    }),
    ("too many extensions", "authenticator_data", |u| {
        u.flags |= EXTENSIONS;
        u.extensions = [vec![0xa1, 0x00, 0x59, 0x10, 0x00], vec![0; 0x1000]].concat();
    }),
    ("client data that is too long", "client_data", |u| {
        u.further = format!(",\"a\":\"{}\"", "a".repeat(4096));
    }),
    ("another credential", "unknown_credential", |u| {
        u.credential_id.push(0)
    }),
];

/// What is changed after it was signed.
fn changed(
    authenticator: &Authenticator,
    challenge: &Hash,
) -> Vec<(&'static str, &'static str, Assertion)> {
    let mut cases = Vec::new();
    let mut put = |name, expect, change: &dyn Fn(&mut Assertion)| {
        let mut assertion = authenticator.assert(challenge);
        change(&mut assertion);
        cases.push((name, expect, assertion));
    };
    put("a signature cut off", "signature", &|a| {
        a.signature.truncate(a.signature.len() - 1)
    });
    put("a signature with one more byte", "signature", &|a| {
        a.signature.push(0)
    });
    put("no signature", "signature", &|a| a.signature.clear());
    put("a bit of the signature", "signature", &|a| {
        *a.signature.last_mut().unwrap() ^= 1
    });
    put("a counter that was not signed", "signature", &|a| {
        a.authenticator_data[36] ^= 1
    });
    put("a space that was not signed", "signature", &|a| {
        *a.client_data_json.last_mut().unwrap() = b' ';
        a.client_data_json.push(b'}');
    });
    put(
        "authenticator data of 36 bytes",
        "authenticator_data",
        &|a| {
            a.authenticator_data.truncate(36);
        },
    );
    put("no authenticator data", "authenticator_data", &|a| {
        a.authenticator_data.clear()
    });
    put("no client data", "client_data", &|a| {
        a.client_data_json.clear()
    });
    put("client data that is no text", "client_data", &|a| {
        a.client_data_json[10] = 0xff
    });
    put("client data with a mark in front", "client_data", &|a| {
        a.client_data_json.splice(0..0, [0xef, 0xbb, 0xbf]);
    });
    put("client data that is a list", "client_data", &|a| {
        a.client_data_json = b"[]".to_vec()
    });
    put("client data without origin", "client_data", &|a| {
        let text = String::from_utf8(a.client_data_json.clone()).unwrap();
        a.client_data_json = text.replace("origin", "origim").into_bytes();
    });
    let other = Authenticator::new(authenticator.credential().algorithm, RP_ID, ORIGIN);
    put("signed by another key", "signature", &|a| {
        a.signature = other.assert(challenge).signature;
    });
    put(
        "over another challenge, under this one's text",
        "signature",
        &|a| {
            let foreign = authenticator.assert(&Hash([9; 32]));
            a.signature = foreign.signature;
        },
    );
    cases
}

fn write_assertions() {
    let challenge = hash("challenge");
    let groups = [Fido2Algorithm::Es256, Fido2Algorithm::Eddsa].map(|algorithm| {
        let authenticator = Authenticator::new(algorithm, RP_ID, ORIGIN);
        let signed = FALSE.iter().map(|(name, expect, change)| {
            let assertion = authenticator.assert_with(&challenge, change);
            write_assertion(name, expect, &assertion)
        });
        let changed = changed(&authenticator, &challenge).into_iter();
        let changed = changed.map(|(name, expect, a)| write_assertion(name, expect, &a));
        Canonical::map([
            ("cases", Canonical::list(signed.chain(changed))),
            ("credential", write_credential(authenticator.credential())),
        ])
    });
    let value = Canonical::map([
        ("challenge", Canonical::text(challenge)),
        ("groups", Canonical::list(groups)),
    ]);
    write("assertions.json", &value);
}

pub(crate) fn bundles() -> Vec<(&'static str, Bundle)> {
    let sign = ApprovalRequest::Sign {
        key_version: KeyVersion(1),
        payload: Digested::of(b"pay 100 to bob"),
        format: vault_approval::SignatureForm::P1363,
    };
    let bundle = |vaults: u8, request: &ApprovalRequest, context: Context| {
        let statements = (0..vaults).map(|vault| salted(vault, request.clone()));
        Bundle::new(statements.collect(), padding(usize::from(vaults)), context).unwrap()
    };
    let policy = br#"{"this":"stands for a policy"}"#.to_vec();
    let with = |change: fn(&mut Context)| {
        let mut context = Context {
            policy: Some(policy.clone()),
            ..Context::default()
        };
        change(&mut context);
        context
    };
    let update = &requests()[13];
    let promote = &requests()[15];
    vec![
        ("one vault", bundle(1, &sign, with(|_| {}))),
        (
            "three vaults with payload and note",
            bundle(
                3,
                &sign,
                with(|context| {
                    context.payload = Some(b"pay 100 to bob".to_vec());
                    context.note = Some("the invoice of May".into());
                }),
            ),
        ),
        (
            "a new policy",
            bundle(
                2,
                update,
                with(|context| {
                    context.new_policy = Some(b"{\"another\":\"policy\"}".to_vec());
                }),
            ),
        ),
        (
            "a profile on 16 vaults",
            bundle(
                16,
                promote,
                with(|context| {
                    context.profile = Some(b"{\"a\":\"profile\"}".to_vec());
                }),
            ),
        ),
    ]
}

fn write_bundles() {
    let cases = bundles().into_iter().map(|(name, bundle)| {
        Canonical::map([
            ("bundle", utf8(bundle.to_json())),
            (
                "challenge",
                Canonical::text(bundle.tree().unwrap().challenge()),
            ),
            ("name", Canonical::text(name)),
        ])
    });
    let whole = bundles().remove(1).1;
    let text = String::from_utf8(whole.to_json()).unwrap();
    let pads: Vec<_> = padding(3)
        .iter()
        .map(|bytes| format!("\"{}\"", Hash(*bytes)))
        .collect();
    let item = |vault: u8| {
        let salted = &whole.statements()[usize::from(vault)];
        let bytes = base64url(&salted.statement.canonical_bytes());
        format!(
            "{{\"salt\":\"{}\",\"statement\":\"{bytes}\"}}",
            Hash(salted.salt)
        )
    };
    let mut refused = vec![named("cut off", &text[..text.len() - 1])];
    for (name, from, to) in [
        ("another format", "bundle/v1", "bundle/v2"),
        (
            "an unknown member",
            "{\"context\"",
            "{\"a\":\"\",\"context\"",
        ),
        (
            "an unknown member of the context",
            "{\"note\"",
            "{\"a\":\"\",\"note\"",
        ),
        ("a padding short", &format!("{},", pads[0]), ""),
        (
            "a padding over",
            &format!("{},", pads[0]),
            &format!("{},{},", pads[0], pads[0]),
        ),
        ("a vault twice", &item(1), &item(0)),
        ("a statement short", &format!("{},", item(1)), ""),
        (
            "a statement that is none",
            &base64url(&whole.statements()[0].statement.canonical_bytes()),
            "e30",
        ),
        (
            "padded base64",
            "\"policy\":\"",
            "\"policy\":\"Zg==\",\"x\":\"",
        ),
        ("no policy", "\"policy\":", "\"polity\":"),
    ] {
        assert!(text.contains(from), "{from}");
        refused.push(named(name, &text.replace(from, to)));
    }
    let none = format!("\"statements\":[{},{},{}]", item(0), item(1), item(2));
    assert!(text.contains(&none));
    refused.push(named(
        "no statement",
        &text.replace(&none, "\"statements\":[]"),
    ));
    let value = Canonical::map([
        ("accepted", Canonical::list(cases)),
        ("refused", Canonical::list(refused)),
    ]);
    write("bundles.json", &value);
}

fn token(vault: u8, vault_key: &Ed25519KeyPair, statement: &Statement) -> OidcApproval {
    let by = subject(&format!("manager {vault}"));
    let message = token_message(&statement.hash(), &statement.vault_id, "bob", &by);
    OidcApproval {
        manager: "bob".into(),
        by,
        signature: vault_key.sign(&message).as_ref().to_vec(),
    }
}

fn write_answers() {
    let authenticator = Authenticator::new(Fido2Algorithm::Es256, RP_ID, ORIGIN);
    let vault_key = Ed25519KeyPair::from_seed_unchecked(&[0x21; 32]).unwrap();
    let (_, bundle) = bundles().remove(1);
    let challenge = bundle.tree().unwrap().challenge();
    let tokens = bundle.statements().iter().map(|salted| {
        let statement = &salted.statement;
        (statement.vault_id, token(1, &vault_key, statement))
    });
    let answers = [
        (
            "approve",
            Decision::Approve(authenticator.assert(&challenge)),
        ),
        (
            "approve_by_token",
            Decision::ApproveByToken(tokens.collect()),
        ),
        ("refuse", Decision::Refuse),
    ];
    let texts = answers.map(|(kind, decision)| {
        let answer = ApprovalAnswer {
            challenge,
            decision,
        };
        (kind, String::from_utf8(answer.to_json()).unwrap())
    });
    let refusal = texts[2].1.clone();
    let approve = texts[0].1.clone();
    let mut refused = Vec::new();
    for (name, text, from, to) in [
        ("another format", &refusal, "answer/v1", "answer/v2"),
        ("another decision", &refusal, "refuse", "later"),
        ("an approval without proof", &refusal, "refuse", "approve"),
        (
            "a refusal with a signature",
            &approve,
            "\"approve\"",
            "\"refuse\"",
        ),
        ("no challenge", &refusal, "challenge", "challenger"),
        ("an unknown member", &refusal, "{", "{\"a\":\"\","),
    ] {
        refused.push(named(name, &text.replacen(from, to, 1)));
    }
    let cases = texts.map(|(kind, text)| {
        Canonical::map([
            ("answer", Canonical::text(text)),
            ("kind", Canonical::text(kind)),
        ])
    });
    let value = Canonical::map([
        ("accepted", Canonical::list(cases)),
        ("bundle", utf8(bundle.to_json())),
        ("credential", write_credential(authenticator.credential())),
        ("refused", Canonical::list(refused)),
        (
            "vault_key",
            Canonical::text(vault_encoding::text::hex(vault_key.public_key().as_ref())),
        ),
    ]);
    write("answers.json", &value);
}

#[test]
#[ignore = "changes the vectors of the tree: the keys of the authenticators are new every time"]
fn writes_the_vectors() {
    write_requests();
    write_statements();
    write_trees();
    write_assertions();
    write_bundles();
    write_answers();
}
