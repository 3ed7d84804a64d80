//! What came along with a request for approval, held to what the signed statements say: the rules
//! of the wallet.

use vault_client::approval::{ApprovalRequest, Context, Digested, Gesture, Statement};
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::Hash;
use vault_policy::{AttestationProfile, KeyPolicy, PolicyHash};

/// Each of it is what the statements name by its hash.
#[derive(Default)]
pub(super) struct Review {
    /// Only who may read a policy can send it along.
    pub(super) policy: Option<KeyPolicy>,
    pub(super) new_policy: Option<KeyPolicy>,
    pub(super) profile: Option<AttestationProfile>,
    pub(super) payload: Option<Vec<u8>>,
}

impl Review {
    /// Refuses what does not match, what the request does not name, and a request that cannot be
    /// understood without what is missing.
    pub(super) fn of(gesture: &Gesture) -> Result<Self> {
        let mut statements = gesture.statements();
        let first = statements.next();
        let first = first.ok_or_else(|| refused("it holds no statement"))?;
        Self::held(first, gesture.bundle().context())
    }

    fn held(statement: &Statement, came: &Context) -> Result<Self> {
        same_version(statement)?;
        Ok(Self {
            policy: policy(statement, came)?,
            new_policy: new_policy(&statement.request, came)?,
            profile: profile(&statement.request, came)?,
            payload: payload(&statement.request, came)?,
        })
    }
}

fn same_version(statement: &Statement) -> Result<()> {
    let named = match &statement.request {
        ApprovalRequest::UpdatePolicy {
            expected_version: version,
            ..
        }
        | ApprovalRequest::StageProfile {
            policy_version: version,
            ..
        }
        | ApprovalRequest::PromoteProfile {
            policy_version: version,
            ..
        } => *version,
        _ => return Ok(()),
    };
    match named == statement.policy_version {
        true => Ok(()),
        false => Err(refused("it is about another version of the policy")),
    }
}

fn policy(statement: &Statement, came: &Context) -> Result<Option<KeyPolicy>> {
    use ApprovalRequest::{PromoteProfile, UpdatePolicy};
    match (&came.policy, &statement.request) {
        (Some(bytes), _) => read_policy(bytes, statement.policy_hash, "the policy").map(Some),
        // These are the owner's, who can read it. Without it nobody sees what comes beside what.
        (None, UpdatePolicy { .. }) => Err(refused("the policy that is replaced is missing")),
        (None, PromoteProfile { .. }) => {
            Err(refused("the policy that the build is let into is missing"))
        }
        (None, _) => Ok(None),
    }
}

fn new_policy(request: &ApprovalRequest, came: &Context) -> Result<Option<KeyPolicy>> {
    let named = match request {
        ApprovalRequest::UpdatePolicy {
            new_policy_hash, ..
        } => Some(*new_policy_hash),
        _ => None,
    };
    match (named, &came.new_policy) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(refused("a new policy came along that it does not name")),
        (Some(_), None) => Err(refused("the new policy is missing")),
        (Some(hash), Some(bytes)) => read_policy(bytes, hash, "the new policy").map(Some),
    }
}

fn read_policy(bytes: &[u8], hash: PolicyHash, what: &str) -> Result<KeyPolicy> {
    let policy = KeyPolicy::from_canonical(bytes)
        .map_err(|error| refused(format_args!("{what} that came along: {error}")))?;
    match policy.hash() == hash {
        true => Ok(policy),
        false => Err(another(what)),
    }
}

fn profile(request: &ApprovalRequest, came: &Context) -> Result<Option<AttestationProfile>> {
    match (profile_digest(request), &came.profile) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(refused("a profile came along that it does not name")),
        // A proposal can be withdrawn without knowing what it was; nothing is let in by that.
        (Some(_), None) if matches!(request, ApprovalRequest::RevokeProfile { .. }) => Ok(None),
        (Some(_), None) => Err(refused("the profile is missing")),
        (Some(digest), Some(bytes)) => {
            let profile = AttestationProfile::from_canonical(bytes)
                .map_err(|error| refused(format_args!("the profile that came along: {error}")))?;
            match profile.digest() == digest {
                true => Ok(Some(profile)),
                false => Err(another("the profile")),
            }
        }
    }
}

fn profile_digest(request: &ApprovalRequest) -> Option<Hash> {
    match request {
        ApprovalRequest::StageProfile { profile_digest, .. }
        | ApprovalRequest::PromoteProfile { profile_digest, .. }
        | ApprovalRequest::RevokeProfile { profile_digest } => Some(*profile_digest),
        _ => None,
    }
}

fn payload(request: &ApprovalRequest, came: &Context) -> Result<Option<Vec<u8>>> {
    match (digested(request), &came.payload) {
        (_, None) => Ok(None),
        (None, Some(_)) => Err(refused("a payload came along that it does not name")),
        (Some(digested), Some(payload)) => match Digested::of(payload) == digested {
            true => Ok(Some(payload.clone())),
            false => Err(another("the payload")),
        },
    }
}

/// The payload of a request that has one.
pub(super) fn digested(request: &ApprovalRequest) -> Option<Digested> {
    match request {
        ApprovalRequest::Sign { payload, .. }
        | ApprovalRequest::SignDigest { payload, .. }
        | ApprovalRequest::Verify { payload, .. }
        | ApprovalRequest::Wrap { payload, .. }
        | ApprovalRequest::Unwrap { payload, .. }
        | ApprovalRequest::Mac { payload, .. }
        | ApprovalRequest::MacVerify { payload, .. } => Some(*payload),
        _ => None,
    }
}

fn another(what: &str) -> Error {
    refused(format_args!(
        "{what} that came along is not the one that the statements name"
    ))
}

fn refused(why: impl std::fmt::Display) -> Error {
    let detail = format_args!("the request for approval: {why}");
    Error::new(ErrorCode::ApprovalRefused)
        .detail(detail)
        .next("evault approve request --help")
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_policy::{KeyType, KeyVersion, OidcSubject, TemplateArgs, template};

    fn some_policy(subject: &str) -> KeyPolicy {
        let owner = OidcSubject {
            issuer: "https://login.test".into(),
            subject: subject.into(),
        };
        template("owner", &TemplateArgs::new(owner, KeyType::P256Signing)).unwrap()
    }

    fn some_profile(byte: u8) -> AttestationProfile {
        let text = format!(
            "{{\"mrenclave\":\"{}\",\"name\":\"build\"}}",
            format!("{byte:02x}").repeat(32)
        );
        AttestationProfile::from_json(&crate::policy_text::parse(text.as_bytes()).unwrap()).unwrap()
    }

    /// About the policy of ann.
    fn statement(request: impl FnOnce(&Statement) -> ApprovalRequest) -> Statement {
        let vectors = include_bytes!("../../../../vectors/approval/statements.json");
        let vectors: serde_json::Value = serde_json::from_slice(vectors).unwrap();
        let text = vectors["accepted"][0]["statement"].as_str().unwrap();
        let mut statement = Statement::parse(text.as_bytes()).unwrap();
        statement.policy_hash = some_policy("ann").hash();
        statement.request = request(&statement);
        statement
    }

    fn update(statement: &Statement) -> ApprovalRequest {
        ApprovalRequest::UpdatePolicy {
            expected_version: statement.policy_version,
            new_policy_hash: some_policy("bob").hash(),
        }
    }

    fn promotion(statement: &Statement) -> ApprovalRequest {
        ApprovalRequest::PromoteProfile {
            policy_version: statement.policy_version,
            profile_digest: some_profile(7).digest(),
        }
    }

    fn came(policy: &str, new_policy: &str) -> Context {
        let bytes = |who: &str| {
            let some = !who.is_empty();
            some.then(|| some_policy(who).canonical_bytes().to_vec())
        };
        Context {
            policy: bytes(policy),
            new_policy: bytes(new_policy),
            ..Context::default()
        }
    }

    fn why(statement: &Statement, came: &Context) -> String {
        let refused = Review::held(statement, came).err().expect("refused");
        assert_eq!(refused.code, ErrorCode::ApprovalRefused);
        refused.message()
    }

    #[test]
    fn a_new_policy_stands_beside_the_old_one_and_both_are_those_of_the_statements() {
        let update = statement(update);
        let found = Review::held(&update, &came("ann", "bob")).unwrap();
        assert_eq!(found.policy, Some(some_policy("ann")));
        assert_eq!(found.new_policy, Some(some_policy("bob")));
        for (policy, new_policy, wrong) in [
            ("bob", "bob", "the policy that came along is not"),
            ("ann", "eve", "the new policy that came along is not"),
            ("ann", "", "the new policy is missing"),
            ("", "bob", "the policy that is replaced is missing"),
        ] {
            let why = why(&update, &came(policy, new_policy));
            assert!(why.contains(wrong), "{why}");
        }
        let promotion = statement(promotion);
        assert!(why(&promotion, &came("ann", "bob")).contains("does not name"));
        let mut other = update.clone();
        other.policy_version.0 += 1;
        assert!(why(&other, &came("ann", "bob")).contains("another version"));
    }

    #[test]
    fn no_build_is_let_in_unseen_and_one_may_be_withdrawn_unseen() {
        let promotion = statement(promotion);
        let with = |profile: Option<u8>| Context {
            profile: profile.map(|byte| some_profile(byte).canonical_bytes()),
            ..came("ann", "")
        };
        let found = Review::held(&promotion, &with(Some(7))).unwrap();
        let into = Context {
            policy: None,
            ..with(Some(7))
        };
        assert!(why(&promotion, &into).contains("is let into is missing"));
        assert_eq!(found.profile, Some(some_profile(7)));
        assert!(why(&promotion, &with(Some(8))).contains("the profile that came along is not"));
        assert!(why(&promotion, &with(None)).contains("the profile is missing"));
        let staging = statement(|one| ApprovalRequest::StageProfile {
            policy_version: one.policy_version,
            profile_digest: some_profile(7).digest(),
        });
        assert!(why(&staging, &with(None)).contains("the profile is missing"));
        let withdrawal = statement(|_| ApprovalRequest::RevokeProfile {
            profile_digest: some_profile(7).digest(),
        });
        assert!(Review::held(&withdrawal, &with(None)).is_ok());
        assert!(Review::held(&withdrawal, &with(Some(8))).is_err());
        assert!(why(&statement(update), &with(Some(7))).contains("missing"));
    }

    #[test]
    fn a_payload_is_the_one_that_is_signed_for_or_the_request_is_refused() {
        let mac = statement(|_| ApprovalRequest::Mac {
            key_version: KeyVersion(1),
            payload: Digested::of(b"message"),
        });
        let with = |payload: &[u8]| Context {
            payload: Some(payload.to_vec()),
            ..Context::default()
        };
        let found = Review::held(&mac, &with(b"message")).unwrap();
        assert_eq!(found.payload.as_deref(), Some(b"message".as_slice()));
        assert!(why(&mac, &with(b"massage")).contains("the payload that came along is not"));
        assert!(Review::held(&mac, &Context::default()).is_ok());
        let none = statement(|_| ApprovalRequest::CancelDeletion);
        assert!(why(&none, &with(b"message")).contains("does not name"));
    }
}
