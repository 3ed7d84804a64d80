//! What a manager answers to a bundle.

use crate::fields::{Fields, count};
use crate::tree::LEAVES;
use crate::{Assertion, FormatError, OidcApproval};
use vault_encoding::{Canonical, CanonicalError, Hash, Json, Limits, text};
use vault_policy::{OidcSubject, VaultId};

/// Bytes of an answer.
pub const MAX_ANSWER: usize = 64 << 10;

const FORMAT: &str = "enclave-vaults/approval-answer/v1";

const LIMITS: Limits = Limits {
    bytes: MAX_ANSWER,
    depth: 4,
    nodes: 128,
};

/// Approved or refused, and over which challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApprovalAnswer {
    /// That of the bundle.
    pub challenge: Hash,
    /// What was decided.
    pub decision: Decision,
}

/// What a manager decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Yes, by a credential: good for all vaults of the bundle.
    Approve(Assertion),
    /// Yes, by token: each vault's word for its own statement.
    ApproveByToken(Vec<(VaultId, OidcApproval)>),
    /// No.
    Refuse,
}

impl ApprovalAnswer {
    /// The answer as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut members = vec![
            ("challenge", Canonical::text(self.challenge)),
            ("format", Canonical::text(FORMAT)),
        ];
        let decision = match &self.decision {
            Decision::Approve(assertion) => {
                let bytes = |bytes| Canonical::text(text::base64url(bytes));
                members.extend([
                    ("authenticator_data", bytes(&assertion.authenticator_data)),
                    ("client_data_json", bytes(&assertion.client_data_json)),
                    ("credential_id", bytes(&assertion.credential_id)),
                    ("signature", bytes(&assertion.signature)),
                ]);
                "approve"
            }
            Decision::ApproveByToken(tokens) => {
                members.push(("oidc", Canonical::list(tokens.iter().map(write_token))));
                "approve"
            }
            Decision::Refuse => "refuse",
        };
        members.push(("decision", Canonical::text(decision)));
        let members = members.into_iter();
        Canonical::Map(
            members
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
        .to_bytes()
    }

    /// Reads JSON in any spelling, with these members and no others.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let json = Json::parse(bytes, LIMITS).map_err(CanonicalError::Json)?;
        let value = Canonical::from_json(json)?;
        let mut from = Fields::of(&value, "answer")?;
        from.fixed("format", FORMAT)?;
        let challenge = from.hash("challenge")?;
        let decision = match from.text("decision")? {
            "refuse" => Decision::Refuse,
            "approve" if from.has("oidc") => {
                let tokens = from.list("oidc")?;
                count("oidc", tokens.len(), 1, LEAVES)?;
                let tokens = tokens.iter().map(read_token);
                Decision::ApproveByToken(tokens.collect::<Result<_, _>>()?)
            }
            "approve" => Decision::Approve(Assertion {
                credential_id: from.bytes("credential_id")?,
                authenticator_data: from.bytes("authenticator_data")?,
                client_data_json: from.bytes("client_data_json")?,
                signature: from.bytes("signature")?,
            }),
            _ => return Err(FormatError::Malformed("decision")),
        };
        from.end()?;
        Ok(Self {
            challenge,
            decision,
        })
    }
}

fn write_token((vault_id, token): &(VaultId, OidcApproval)) -> Canonical {
    Canonical::map([
        ("issuer", Canonical::text(&token.by.issuer)),
        ("manager", Canonical::text(&token.manager)),
        (
            "signature",
            Canonical::text(text::base64url(&token.signature)),
        ),
        ("subject", Canonical::text(&token.by.subject)),
        ("vault_id", Canonical::text(vault_id)),
    ])
}

fn read_token(value: &Canonical) -> Result<(VaultId, OidcApproval), FormatError> {
    let mut from = Fields::of(value, "oidc")?;
    let vault_id = from.parsed("vault_id")?;
    let by = OidcSubject {
        issuer: from.text("issuer")?.to_owned(),
        subject: from.text("subject")?.to_owned(),
    };
    let token = OidcApproval {
        manager: from.text("manager")?.to_owned(),
        by,
        signature: from.bytes("signature")?,
    };
    from.end()?;
    Ok((vault_id, token))
}
