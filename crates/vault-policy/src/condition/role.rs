//! `caller_holds_role`: the caller's token, from that issuer, holds the role.

use super::Context;
use crate::principal::IssuerRole;
use crate::truth::Truth;

pub(super) fn truth(role: &IssuerRole, context: Context<'_>) -> Truth {
    role.proven(context.facts).into()
}
