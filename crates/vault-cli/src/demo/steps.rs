//! The steps. Each checks what it claims.

use super::facts::Facts;
use super::openssl;
use super::report::Told;
use super::shell::{Shell, text};
use crate::dev::{Stack, caller_measurement};
use serde_json::Value;

const RIGHT_BUILD: &str = "demo caller 1.0";
const WRONG_BUILD: &str = "demo caller 1.1";
/// The vault whose keys the first part is about.
pub(super) const HOME: u8 = 1;
/// A handle that names nothing.
const NO_KEY: &str = "k-aaaaaaaaaaaaaaaaaaaaaaaaaa";

pub(super) async fn create(shell: &Shell, facts: &mut Facts) -> Told {
    let arguments = ["key", "create", "--type", "p256", "--name", "release"];
    let created = shell.done("owner", &arguments).await?;
    facts.handle = text(&created, "handle")?;
    let policy = text(&created, "policy_hash")?;
    shell
        .done(
            "owner",
            &[
                "key",
                "show",
                &facts.handle,
                "--pem",
                &facts.path("release.pem"),
            ],
        )
        .await?;
    Ok(format!(
        "{} (p256, template:owner, policy {})",
        facts.handle,
        short(&policy)
    ))
}

pub(super) async fn sign(shell: &Shell, facts: &Facts) -> Told {
    let signed = sign_to(shell, facts, "message.sig").await?;
    let vault = signed.get("vaults").and_then(|vaults| vaults.get(0));
    let index = vault
        .and_then(|vault| vault.pointer("/receipt/index"))
        .and_then(Value::as_u64);
    let index = index.ok_or("no receipt came with the signature")?;
    Ok(format!(
        "the signature is entry {index} of the log, with an inclusion proof"
    ))
}

pub(super) async fn sign_to(shell: &Shell, facts: &Facts, name: &str) -> Result<Value, String> {
    let (message, signature) = (facts.path("message"), facts.path(name));
    let arguments = [
        "key",
        "sign",
        &facts.handle,
        "--in",
        &message,
        "--out",
        &signature,
    ];
    shell.done("owner", &arguments).await
}

pub(super) async fn openssl(facts: &Facts) -> Told {
    openssl_verify(facts, "release.pem", "message.sig").await
}

async fn openssl_verify(facts: &Facts, pem: &str, signature: &str) -> Told {
    openssl::verify(
        &facts.file(pem),
        &facts.file(signature),
        &facts.file("message"),
    )
    .await
}

pub(super) async fn stranger(shell: &Shell, facts: &Facts) -> Told {
    sees_nothing(shell, facts, "stranger").await
}

pub(super) async fn other(shell: &Shell, facts: &Facts) -> Told {
    sees_nothing(shell, facts, "other-owner").await
}

/// The answer is the one that a key which does not exist would get, to the letter.
async fn sees_nothing(shell: &Shell, facts: &Facts, profile: &str) -> Told {
    let message = facts.path("message");
    let real = [
        "key",
        "sign",
        &facts.handle,
        "--in",
        &message,
        "--format",
        "der",
    ];
    let none = ["key", "sign", NO_KEY, "--in", &message, "--format", "der"];
    let refused = shell.evault(profile, &real).await?;
    if refused.code != 8 || refused.error("code") != "not_found" {
        return Err(refused.complain(&real));
    }
    let absent = shell.evault(profile, &none).await?;
    if absent.code != 8 || absent.error_object() != refused.error_object() {
        return Err("the refusal differs from that of a key which does not exist".to_owned());
    }
    Ok("not found, exit code 8: the same answer as for a key that does not exist".to_owned())
}

pub(super) async fn guard(shell: &Shell, facts: &mut Facts) -> Told {
    let me = shell.done("owner", &["whoami"]).await?;
    let measurement = caller_measurement(RIGHT_BUILD).to_string();
    let (issuer, subject) = (text(&me, "issuer")?, text(&me, "subject")?);
    let template = [
        "policy",
        "template",
        "caller-enclave",
        "--mrenclave",
        &measurement,
        "--owner-issuer",
        &issuer,
        "--owner-subject",
        &subject,
    ];
    let template = shell.done("owner", &template).await?;
    let policy = template
        .get("policy")
        .ok_or("no policy in the template")?
        .to_string();
    std::fs::write(facts.file("guarded-policy.json"), policy).map_err(|error| error.to_string())?;
    let file = facts.path("guarded-policy.json");
    let arguments = [
        "key", "create", "--type", "p256", "--name", "guarded", "--policy", &file,
    ];
    facts.guarded = text(&shell.done("owner", &arguments).await?, "handle")?;
    let pem = facts.path("guarded.pem");
    shell
        .done("owner", &["key", "show", &facts.guarded, "--pem", &pem])
        .await?;
    Ok(format!(
        "{} signs only for the build {}",
        facts.guarded,
        short(&measurement)
    ))
}

pub(super) async fn wrong(shell: &Shell, facts: &Facts) -> Told {
    let arguments = caller(facts, WRONG_BUILD);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let refused = shell.evault("owner", &arguments).await?;
    let (rule, condition) = (refused.error("rule"), refused.error("condition"));
    let named = !rule.is_empty() && !condition.is_empty();
    if refused.code != 3 || refused.error("code") != "policy_denied" || !named {
        return Err(refused.complain(&arguments));
    }
    Ok(format!(
        "refused although it carries the owner's token: rule {rule}, condition {condition}"
    ))
}

pub(super) async fn right(shell: &Shell, facts: &Facts) -> Told {
    let arguments = caller(facts, RIGHT_BUILD);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    shell.done("owner", &arguments).await?;
    let verdict = openssl_verify(facts, "guarded.pem", "guarded.sig").await?;
    Ok(format!("allowed; openssl says {verdict}"))
}

/// A calling enclave, a process of its own with the owner's token.
fn caller(facts: &Facts, build: &str) -> Vec<String> {
    let sim = facts.sim.display().to_string();
    let (message, signature) = (facts.path("message"), facts.path("guarded.sig"));
    [
        "__caller",
        "--sim",
        &sim,
        "--build",
        build,
        &facts.guarded,
        "--in",
        &message,
        "--out",
        &signature,
    ]
    .map(str::to_owned)
    .to_vec()
}

pub(super) async fn checkpoint(shell: &Shell, facts: &mut Facts) -> Told {
    facts.size_before = export(shell, facts, "checkpoint-before").await?;
    Ok(format!(
        "a log of {} entries, its head signed by the vault",
        facts.size_before
    ))
}

async fn export(shell: &Shell, facts: &Facts, checkpoint: &str) -> Result<u64, String> {
    let (log, identity) = (facts.path("log.export"), facts.path("identity.pem"));
    let checkpoint = facts.path(checkpoint);
    let arguments = [
        "audit",
        "export",
        "--out",
        &log,
        "--identity",
        &identity,
        "--checkpoint",
        &checkpoint,
    ];
    size(&shell.done("auditor", &arguments).await?)
}

fn size(value: &Value) -> Result<u64, String> {
    value
        .get("size")
        .and_then(Value::as_u64)
        .ok_or_else(|| "no size in the result".to_owned())
}

pub(super) async fn kill(stack: &mut Stack) -> Told {
    stack
        .kill_vault(HOME)
        .await
        .map_err(|error| error.message())?;
    stack
        .start_vault(HOME)
        .await
        .map_err(|error| error.message())?;
    Ok("vault 1 was killed and started again over the same folder".to_owned())
}

pub(super) async fn survives(shell: &Shell, facts: &Facts) -> Told {
    let pem = facts.path("release-after.pem");
    shell
        .done("owner", &["key", "show", "release", "--pem", &pem])
        .await?;
    let read = |name: &str| std::fs::read(facts.file(name)).map_err(|error| error.to_string());
    if read("release.pem")? != read("release-after.pem")? {
        return Err("the public key has changed".to_owned());
    }
    sign_to(shell, facts, "message-after.sig").await?;
    let verdict = openssl_verify(facts, "release.pem", "message-after.sig").await?;
    Ok(format!("the same key signs again; openssl says {verdict}"))
}

pub(super) async fn log_grows(shell: &Shell, facts: &Facts) -> Told {
    let size = export(shell, facts, "checkpoint").await?;
    if size <= facts.size_before {
        return Err(format!("{size} entries now, {} before", facts.size_before));
    }
    let since = facts.path("checkpoint-before");
    shell
        .done("auditor", &["audit", "verify", "--since", &since])
        .await?;
    Ok(format!(
        "{size} entries now, {} before, and they begin with those",
        facts.size_before
    ))
}

pub(super) async fn offline(shell: &Shell, facts: &Facts) -> Told {
    let (log, identity) = (facts.path("log.export"), facts.path("identity.pem"));
    let since = facts.path("checkpoint-before");
    let arguments = [
        "audit",
        "verify",
        "--file",
        &log,
        "--identity",
        &identity,
        "--since",
        &since,
    ];
    let verified = shell.done("auditor", &arguments).await?;
    Ok(format!(
        "with every vault stopped, {} entries hold to the signed root {}",
        size(&verified)?,
        short(&text(&verified, "root")?)
    ))
}

fn short(hex: &str) -> String {
    hex.chars().take(16).collect()
}
