//! WhoAmI: what the vault makes of the caller.

use crate::api::{Answer, Identity};
use crate::authorize::{Call, Step};
use vault_policy::Tee;

pub(crate) fn authorize(call: &Call<'_>) -> Step {
    let facts = call.caller.facts();
    let mut identity = Identity::default();
    if let Some(token) = &facts.token {
        identity.issuer.clone_from(&token.issuer);
        identity.subject.clone_from(&token.subject);
        identity.roles = token.roles.iter().cloned().collect();
        identity.token_expires_at = Some(token.expires_at);
    }
    if let Some(evidence) = &facts.evidence {
        identity.caller_measurement = match &evidence.claims().tee {
            Tee::Sgx(sgx) => sgx.mrenclave.0.0.to_vec(),
            Tee::Tdx(tdx) => tdx.mrtd.0.to_vec(),
        };
        identity.caller_platform_id = Some(evidence.claims().platform_id);
    }
    if let Some(certificate) = &facts.certificate {
        identity.caller_certificate_spki = Some(certificate.spki);
        identity.caller_certificate_names = certificate.sans.iter().cloned().collect();
    }
    Step::ready(Answer::WhoAmI(identity), 0)
}
