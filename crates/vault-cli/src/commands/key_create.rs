//! `key create`

use super::key_json;
use crate::cli::KeyCreate;
use crate::context::{Connected, Context, usage};
use crate::output::{self, Human, Output};
use crate::policy_source;
use serde_json::{Value, json};
use vault_client::{CreateKey, Error, ErrorCode, Result};
use vault_policy::{KeyHandle, KeyPolicy, KeyType, OidcSubject, TemplateArgs, template};

pub(crate) async fn run(context: &Context, args: KeyCreate) -> Result<Output> {
    let key_type = KeyType::from(args.key_type);
    if key_type == KeyType::RawShare {
        return Err(
            usage("shares are not created: a secret is split").next("evault secret split --help")
        );
    }
    let connected = context.connect_any().await?;
    let policy = match args.policy.strip_prefix("template:") {
        Some(name) => from_template(&connected, name, key_type).await?,
        None => policy_source::read(&args.policy)?,
    };
    if args.dry_run {
        return Ok(dry_run(&connected, &args, key_type, &policy));
    }
    let request = CreateKey {
        handle: handle(args.handle.as_deref())?,
        key_type,
        name: args.name.unwrap_or_default(),
        policy: policy.canonical_bytes().to_vec(),
        labels: args.label,
    };
    let created = connected.client.create_key(request).await?;
    if context.global.vault.len() != 1 {
        context.note(&format!("on vault {}", connected.peer.vault_id));
    }
    let mut object = key_json::created(&created.value);
    let vault = output::vault(&connected.peer, Some(&created.receipt));
    object.insert("vaults".into(), json!([vault]));
    Ok(Output::new(
        Value::Object(object),
        key_json::human(&created.value),
    ))
}

/// A key of the same handle on several vaults is used, approved and governed by one name.
fn handle(text: Option<&str>) -> Result<Option<KeyHandle>> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|error| usage(format_args!("--handle: {error}")))
}

/// Templates need to know who one is; the vault says so.
pub(super) async fn from_template(
    connected: &Connected,
    name: &str,
    key_type: KeyType,
) -> Result<KeyPolicy> {
    let me = connected.client.whoami().await?.value;
    let owner = OidcSubject {
        issuer: me.issuer,
        subject: me.subject,
    };
    template(name, &TemplateArgs::new(owner, key_type)).map_err(|error| {
        Error::new(ErrorCode::PolicyInvalid)
            .detail(format_args!("template:{name}: {error}"))
            .next("evault policy template")
    })
}

fn dry_run(
    connected: &Connected,
    args: &KeyCreate,
    key_type: KeyType,
    policy: &KeyPolicy,
) -> Output {
    let vault = output::vault(&connected.peer, None);
    let json = json!({
        "dry_run": true,
        "name": args.name,
        "type": key_type.name(),
        "policy": policy_source::to_value(&policy.to_canonical()),
        "policy_hash": policy.hash().to_string(),
        "vaults": [vault],
    });
    let human = Human::Fields(vec![
        ("would create", key_type.name().to_owned()),
        ("name", args.name.clone().unwrap_or_default()),
        ("policy hash", policy.hash().to_string()),
        ("on vault", connected.peer.vault_id.to_string()),
    ]);
    Output::new(json, human)
}
