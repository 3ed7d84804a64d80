//! T-INJECT: an approval of one call is good for no other one, however alike they are. `EVAULT_INJECT` is the
//! number of pairs.

use crate::common::{Bench, Counter};
use crate::world::{
    Managers, Terms, approve, begin, caller, create, pinned, policy, refused, with,
};
use vault_approval::{ApprovalRequest, Digested, SignatureForm, SignedInput};
use vault_core::api::{KeyRef, Mac, MacVerify, Payload, Sign, Unwrap, Verify, Wrap};
use vault_core::{Code, Request, Rng, SignatureFormat};
use vault_encoding::{Hash, sha256};
use vault_policy::{KeyType, KeyVersion};
use zeroize::Zeroizing;

const PAIRS: usize = 600;
const KINDS: u8 = 8;

/// A call of small parts, so that two are often alike.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Plan {
    who: &'static str,
    connection: u8,
    kind: u8,
    /// Which of the two keys of the type.
    key: u8,
    one: Vec<u8>,
    other: Vec<u8>,
    der: bool,
}

fn pick(rng: &mut Counter, below: u8) -> u8 {
    let mut byte = [0];
    rng.fill(&mut byte);
    byte[0] % below
}

fn bytes(rng: &mut Counter) -> Vec<u8> {
    let parts: [&[u8]; 6] = [b"", b"a", b"aa", b"\",\"key_version\":\"1", b"a\0", b"b"];
    parts[usize::from(pick(rng, 6))].to_vec()
}

impl Plan {
    fn any(rng: &mut Counter) -> Self {
        let kind = pick(rng, KINDS);
        // Parts that a kind does not have are the same in all of that kind.
        let has_other = matches!(kind, 2 | 4 | 5 | 7);
        let has_one = kind != 3;
        Self {
            who: ["service", "bob"][usize::from(pick(rng, 2))],
            connection: pick(rng, 2),
            kind,
            key: pick(rng, 2),
            one: if has_one { bytes(rng) } else { Vec::new() },
            other: if has_other { bytes(rng) } else { Vec::new() },
            der: kind < 3 && pick(rng, 2) == 0,
        }
    }

    /// The same, or one that differs in a part.
    fn near(&self, rng: &mut Counter) -> Self {
        let other = Self::any(rng);
        let mut near = self.clone();
        match pick(rng, 7) {
            0 => near.who = other.who,
            1 => near.connection = other.connection,
            2 => near.key = other.key,
            3 if other.kind == near.kind => near.one = other.one,
            4 if other.kind == near.kind => near.other = other.other,
            5 if near.kind < 3 => near.der = !near.der,
            _ => return other,
        }
        near
    }

    fn key_type(&self) -> KeyType {
        match self.kind {
            0..=3 => KeyType::P256Signing,
            4 | 5 => KeyType::Aes256Gcm,
            _ => KeyType::HmacSha256,
        }
    }

    fn asked(&self) -> ApprovalRequest {
        let key_version = KeyVersion(1);
        let payload = Digested::of(&self.one);
        let aad = Digested::of(&self.other);
        let format = match self.der {
            true => SignatureForm::Der,
            false => SignatureForm::P1363,
        };
        match self.kind {
            0 => ApprovalRequest::Sign {
                key_version,
                payload,
                format,
            },
            1 => ApprovalRequest::SignDigest {
                key_version,
                payload: Digested::of(&sha256(&self.one).0),
                format,
            },
            2 => ApprovalRequest::Verify {
                key_version,
                input: SignedInput::Message,
                payload,
                format,
                signature_sha256: sha256(&self.other),
            },
            3 => ApprovalRequest::GetPublicKey { key_version },
            4 => ApprovalRequest::Wrap {
                key_version,
                aad,
                payload,
            },
            5 => ApprovalRequest::Unwrap {
                key_version: KeyVersion(0),
                aad,
                payload,
            },
            6 => ApprovalRequest::Mac {
                key_version,
                payload,
            },
            _ => ApprovalRequest::MacVerify {
                key_version,
                payload,
                tag_sha256: sha256(&self.other),
            },
        }
    }

    fn request(&self, key: KeyRef) -> Request {
        let (one, other) = (self.one.clone(), self.other.clone());
        let format = match self.der {
            true => SignatureFormat::Der,
            false => SignatureFormat::P1363,
        };
        match self.kind {
            0 => Request::Sign(Sign {
                key,
                input: Payload::Message(one),
                format,
            }),
            1 => {
                let input = Payload::Digest(sha256(&one).0.to_vec());
                Request::Sign(Sign { key, input, format })
            }
            2 => Request::Verify(Verify {
                key,
                input: Payload::Message(one),
                format,
                signature: other,
                version: None,
            }),
            3 => Request::GetPublicKey { key, version: None },
            4 => Request::Wrap(Wrap {
                key,
                plaintext: Zeroizing::new(one),
                aad: other,
            }),
            5 => Request::Unwrap(Unwrap {
                key,
                ciphertext: one,
                aad: other,
            }),
            6 => Request::Mac(Mac { key, message: one }),
            _ => Request::MacVerify(MacVerify {
                key,
                message: one,
                tag: other,
                version: None,
            }),
        }
    }

    fn caller(&self) -> vault_core::Caller {
        caller(self.who, Some(Hash([self.connection; 32])))
    }
}

struct Keys(Vec<(KeyType, KeyRef)>);

impl Keys {
    fn create(bench: &mut Bench, managers: &Managers) -> Self {
        let of = [
            (
                KeyType::P256Signing,
                r#""sign","sign_digest","verify","get_public_key""#,
            ),
            (KeyType::Aes256Gcm, r#""wrap","unwrap""#),
            (KeyType::HmacSha256, r#""mac","mac_verify""#),
        ];
        let mut keys = Vec::new();
        for (number, (kind, operations)) in (1..).zip(of) {
            let policy = policy(managers, operations, &Terms::default());
            for handle in [number, number + 10] {
                let info = create(bench, &policy, kind, handle);
                keys.push((kind, pinned(&info)));
            }
        }
        Self(keys)
    }

    fn of(&self, plan: &Plan) -> KeyRef {
        let of_type = self.0.iter().filter(|(kind, _)| *kind == plan.key_type());
        of_type
            .map(|(_, key)| *key)
            .nth(usize::from(plan.key))
            .unwrap()
    }
}

#[test]
fn t_inject_the_approval_of_one_call_is_good_for_no_other() {
    let pairs = std::env::var("EVAULT_INJECT").map_or(PAIRS, |pairs| pairs.parse().unwrap());
    let (mut same, mut others) = (0, 0);
    let mut rng = Counter(77);
    let managers = Managers::new();
    let (mut bench, mut keys) = (Bench::new(), None);
    for pair in 0..pairs {
        // The log of a bench is in memory: not longer than it must be.
        if pair % 2_000 == 0 {
            bench = Bench::new();
            keys = None;
        }
        let keys = keys.get_or_insert_with(|| Keys::create(&mut bench, &managers));
        let begun_as = Plan::any(&mut rng);
        let used_as = begun_as.near(&mut rng);
        let (who, key) = (begun_as.caller(), keys.of(&begun_as));
        let begun = begin(&mut bench, &who, key, &begun_as.asked(), 1).unwrap();
        let request = used_as.request(keys.of(&used_as));
        let made = with(approve(&begun, &[&managers.bob]));
        // Bob does not count where he asks; carol would do, but she is not asked.
        let counts = used_as.who != "bob";
        let outcome = bench.with(&used_as.caller(), request, made.clone());
        if begun_as == used_as {
            same += 1;
            let refused_by_approval = outcome
                .as_ref()
                .is_err_and(|refusal| refusal.code == Code::ApprovalRefused);
            assert!(!refused_by_approval, "{begun_as:?}");
            assert!(counts || refused(outcome).0 == Code::PolicyDenied);
        } else {
            others += 1;
            let (code, _) = refused(outcome);
            assert_eq!(code, Code::ApprovalRefused, "{begun_as:?} {used_as:?}");
        }
        // What nobody has spent is spent, so that there is room for more.
        let _ = bench.with(&who, Request::WhoAmI, made);
    }
    println!(
        "T-INJECT: {others} approvals used for another call, 0 accepted; {same} for their own"
    );
    assert!(same > 0 && others > same);
}
