//! Why a call ends before it does anything, and what the log gets to know of it.

use crate::api::{Code, Refusal};
use crate::state::Slot;
use vault_policy::{Deny, KeySubject};

/// The three ways to refuse. Which one decides whether the refusal is logged.
pub(crate) enum Stop {
    /// About the caller's own request: neither logged nor counted.
    Plain(Refusal),
    /// To somebody with no right to know: counted.
    Stranger { refusal: Refusal },
    /// To a principal of the key: logged with its reason.
    Principal {
        refusal: Refusal,
        subject: Box<KeySubject>,
        reason: &'static str,
    },
}

impl Stop {
    pub(crate) fn plain(code: Code, detail: &'static str) -> Self {
        Self::Plain(Refusal::new(code).because(detail))
    }

    /// The one answer to everybody who may not know: that of a key that does not exist.
    pub(crate) fn not_found() -> Self {
        Self::Stranger {
            refusal: Refusal::new(Code::NotFound),
        }
    }

    /// To the owner of `own`, who named its handle and another lineage.
    pub(crate) fn lineage_mismatch(own: &Slot) -> Self {
        Self::principal(Code::LineageMismatch, &own.subject(), "lineage_mismatch")
    }

    pub(crate) fn role_required() -> Self {
        Self::Stranger {
            refusal: Refusal::new(Code::RoleRequired),
        }
    }

    pub(crate) fn principal(code: Code, subject: &KeySubject, reason: &'static str) -> Self {
        let refusal = Refusal::new(code);
        Self::Principal {
            refusal,
            subject: Box::new(*subject),
            reason,
        }
    }

    /// The same, with what is wrong with the request.
    pub(crate) fn because(mut self, detail: impl Into<String>) -> Self {
        match &mut self {
            Self::Plain(refusal) | Self::Principal { refusal, .. } => {
                refusal.detail = Some(detail.into());
            }
            Self::Stranger { .. } => {}
        }
        self
    }

    /// `None` if it is a stranger who is denied.
    pub(crate) fn denied(deny: &Deny, subject: &KeySubject) -> Option<Self> {
        if deny.is_stranger() {
            return None;
        }
        let mut refusal = Refusal::new(Code::PolicyDenied);
        refusal.rule = deny.rule().map(str::to_owned);
        refusal.condition = deny.condition().map(str::to_owned);
        Some(Self::Principal {
            refusal,
            subject: Box::new(*subject),
            reason: deny.code(),
        })
    }
}
