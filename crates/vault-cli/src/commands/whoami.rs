//! `whoami`

use crate::context::Context;
use crate::output::{self, Human, Output};
use crate::time_text::rfc3339;
use serde_json::json;
use vault_client::Result;
use vault_encoding::text::hex;

pub(crate) async fn run(context: &Context) -> Result<Output> {
    let connected = context.connect_any().await?;
    let answer = connected.client.whoami().await?;
    let me = answer.value;
    let expires_at = rfc3339(me.token_expires_at);
    let measurement = me.measurement.map(|measurement| hex(&measurement));
    let spki = me.certificate_spki.map(|spki| spki.to_string());
    let json = json!({
        "issuer": me.issuer,
        "subject": me.subject,
        "roles": me.roles,
        "token_expires_at": expires_at,
        "caller_measurement": measurement,
        "caller_platform_id": me.platform_id.map(|id| id.to_string()),
        "certificate_spki": spki,
        "certificate_names": me.certificate_names,
        "vaults": [output::vault(&connected.peer, Some(&answer.receipt))],
    });
    let human = Human::Fields(vec![
        ("issuer", me.issuer),
        ("subject", me.subject),
        ("roles", me.roles.join(", ")),
        ("token until", expires_at),
        ("enclave", measurement.unwrap_or_else(|| "none".to_owned())),
        ("certificate key", spki.unwrap_or_else(|| "none".to_owned())),
        ("certificate names", me.certificate_names.join(", ")),
    ]);
    Ok(Output::new(json, human))
}
