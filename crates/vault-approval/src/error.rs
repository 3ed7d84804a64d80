//! Why a text or an approval is refused.

use vault_encoding::CanonicalError;

/// A text that is no request, statement, bundle or answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FormatError {
    /// Not canonical JSON within the limits.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// Another format, or another version of it.
    #[error("the text is not of the kind {expected}")]
    Format {
        /// What it should have been.
        expected: &'static str,
    },
    /// A member that must be there is not, or has another type.
    #[error("{0} is missing or of another type")]
    Missing(&'static str),
    /// A member that does not belong there.
    #[error("the text has a member that its format does not know")]
    UnknownMember,
    /// A value that does not parse.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// Fewer or more than allowed.
    #[error("{what}: {found} are not between 1 and {most}, or not as many as there must be")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// A value that may stand there once only.
    #[error("{0} stands there twice")]
    Twice(&'static str),
    /// An operation that nobody approves.
    #[error("no operation of this name can be approved")]
    UnknownOperation,
}

/// Why an approval that a call brings is worth nothing. Every one of them spends the nonce.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
pub enum ApprovalFault {
    /// Nothing that this vault opened since its start for this caller and that is not spent.
    #[error("the nonce is spent, expired, of another caller, or of before the vault's start")]
    Nonce,
    /// Its time is over, or cannot be told.
    #[error("the approval has expired")]
    Expired,
    /// The call asks for something that needs no approval and takes none.
    #[error("this operation takes no approval")]
    NotApprovable,
    /// The statement that the call leads to is not the one that was begun.
    #[error("the call is not the one that was approved")]
    OtherRequest,
    /// No place in a tree of 16.
    #[error("the index is not below 16")]
    Index,
    /// No proof, or too many.
    #[error("an approval has 1 to 16 proofs")]
    Proofs,
    /// A credential that the policy does not name.
    #[error("the policy names no such credential")]
    UnknownCredential,
    /// A client's data that is no strict JSON object of the members that it must have.
    #[error("client data: malformed")]
    ClientData,
    /// Not made by `navigator.credentials.get`.
    #[error("client data: the type is not webauthn.get")]
    Type,
    /// Over something else.
    #[error("client data: another challenge")]
    Challenge,
    /// Made on a page whose origin the policy does not name.
    #[error("client data: the origin is not one of the credential's")]
    Origin,
    /// Made in a frame of another origin.
    #[error("client data: made across origins")]
    CrossOrigin,
    /// Authenticator data that is malformed.
    #[error("authenticator data: malformed")]
    AuthenticatorData,
    /// For another relying party.
    #[error("authenticator data: another relying party")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("authenticator data: no user was present")]
    UserPresence,
    /// The authenticator does not say that it knows who touched it.
    #[error("authenticator data: the user was not verified")]
    UserVerification,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

impl ApprovalFault {
    /// Every one.
    pub const ALL: [Self; 17] = [
        Self::Nonce,
        Self::Expired,
        Self::NotApprovable,
        Self::OtherRequest,
        Self::Index,
        Self::Proofs,
        Self::UnknownCredential,
        Self::ClientData,
        Self::Type,
        Self::Challenge,
        Self::Origin,
        Self::CrossOrigin,
        Self::AuthenticatorData,
        Self::RelyingParty,
        Self::UserPresence,
        Self::UserVerification,
        Self::Signature,
    ];

    /// The stable name in log entries and vectors.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nonce => "approval_nonce",
            Self::Expired => "approval_expired",
            Self::NotApprovable => "approval_not_approvable",
            Self::OtherRequest => "approval_other_request",
            Self::Index => "approval_index",
            Self::Proofs => "approval_proofs",
            Self::UnknownCredential => "approval_unknown_credential",
            Self::ClientData => "approval_client_data",
            Self::Type => "approval_type",
            Self::Challenge => "approval_challenge",
            Self::Origin => "approval_origin",
            Self::CrossOrigin => "approval_cross_origin",
            Self::AuthenticatorData => "approval_authenticator_data",
            Self::RelyingParty => "approval_relying_party",
            Self::UserPresence => "approval_user_presence",
            Self::UserVerification => "approval_user_verification",
            Self::Signature => "approval_signature",
        }
    }
}
