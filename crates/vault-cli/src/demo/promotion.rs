//! A caller's code changes. A key on every vault admits the old build; the new one is let in by owner
//! and manager together, on every vault by one gesture, and put out again.

use super::approvals::{MANAGER, OWNER, answer, owner, words, write};
use super::facts::Facts;
use super::report::Told;
use super::shell::{Shell, text};
use crate::dev::{Stack, caller_measurement};
use serde_json::{Value, json};

const OLD_BUILD: &str = "demo service 1.0";
const NEW_BUILD: &str = "demo service 2.0";
/// What rules call the service, whichever build it is.
const SERVICE: &str = "service";

/// The same policy under the same handle, on every vault.
pub(super) async fn create(shell: &Shell, stack: &Stack, facts: &mut Facts) -> Told {
    let policy = json!({
        "format": "enclave-vaults/key-policy/v1",
        "principals": {
            "owner": owner(shell).await?,
            "managers": [{ "id": MANAGER, "credentials": [facts.passkey] }],
            "tees": [profile(OLD_BUILD)],
        },
        "operations": [{
            "name": "service",
            "operations": ["sign"],
            "principals": [SERVICE],
        }],
    });
    let file = write(facts, "everywhere-policy.json", &policy)?;
    for number in 1..=stack.plan.vaults {
        let vault = stack.vault_id(number).map_err(|error| error.message())?;
        let mut arguments = vec![
            "key", "create", "--type", "p256", "--policy", &file, "--vault", &vault,
        ];
        let handle = facts.everywhere.clone();
        if number > 1 {
            arguments.extend(["--handle", &handle]);
        }
        facts.everywhere = text(&shell.done(OWNER, &arguments).await?, "handle")?;
    }
    Ok(format!(
        "{} signs for one build, under a policy that {MANAGER} guards too",
        facts.everywhere
    ))
}

/// The measurement of a build as policies have it.
fn profile(build: &str) -> Value {
    json!({ "name": SERVICE, "mrenclave": caller_measurement(build).to_string() })
}

pub(super) async fn refused(shell: &Shell, stack: &Stack, facts: &Facts) -> Told {
    everywhere(shell, stack, facts, OLD_BUILD, true).await?;
    everywhere(shell, stack, facts, NEW_BUILD, false).await?;
    Ok("allowed to the old build, refused to the new one, on every vault".to_owned())
}

/// A proposal authorises nothing.
pub(super) async fn stage(shell: &Shell, stack: &Stack, facts: &mut Facts) -> Told {
    let file = write(facts, "new-build.json", &profile(NEW_BUILD))?;
    let arguments = [
        "profile",
        "stage",
        &facts.everywhere,
        "--attestation",
        &file,
    ];
    let staged = shell.done(OWNER, &arguments).await?;
    facts.digest = text(&staged, "profile_digest")?;
    everywhere(shell, stack, facts, NEW_BUILD, false).await?;
    let alone = promotion(facts, false);
    let refused = shell.evault(OWNER, &words(&alone)).await?;
    if refused.code != 3 {
        return Err(refused.complain(&words(&alone)));
    }
    Ok("staged; it is still refused, and the owner alone cannot promote it".to_owned())
}

/// One gesture for all vaults.
pub(super) async fn promote(shell: &Shell, facts: &Facts) -> Told {
    let request = facts.path("promotion.json");
    let attestation = facts.path("new-build.json");
    let ask = [
        "approve",
        "request",
        &facts.everywhere,
        "--operation",
        "promote_profile",
        "--digest-of-profile",
        &facts.digest,
        "--attestation",
        &attestation,
        "--out",
        &request,
    ];
    shell.done(OWNER, &ask).await?;
    answer(shell, facts, "promotion.json", "promotion-answer.json").await?;
    let arguments = promotion(facts, true);
    let promoted = shell.done(OWNER, &words(&arguments)).await?;
    let vaults = promoted.get("vaults").and_then(Value::as_array);
    let vaults = vaults.map_or(0, Vec::len);
    Ok(format!("one signature of {MANAGER}, {vaults} vaults"))
}

fn promotion(facts: &Facts, approved: bool) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "profile",
        "promote",
        &facts.everywhere,
        "--digest",
        &facts.digest,
    ]
    .map(str::to_owned)
    .to_vec();
    if approved {
        for file in ["promotion.json", "promotion-answer.json"] {
            arguments.extend(["--approval".to_owned(), facts.path(file)]);
        }
    }
    arguments
}

pub(super) async fn both(shell: &Shell, stack: &Stack, facts: &Facts) -> Told {
    everywhere(shell, stack, facts, NEW_BUILD, true).await?;
    everywhere(shell, stack, facts, OLD_BUILD, true).await?;
    Ok("the new build is allowed on every vault, and the old one still is".to_owned())
}

/// A policy loses a profile the way it got it: with the manager.
pub(super) async fn remove(shell: &Shell, stack: &Stack, facts: &Facts) -> Told {
    let first = stack.vault_id(1).map_err(|error| error.message())?;
    let show = ["policy", "show", &facts.everywhere, "--vault", &first];
    let shown = shell.done(OWNER, &show).await?;
    let mut policy = shown.get("policy").ok_or("no policy was shown")?.clone();
    let tees = policy.pointer_mut("/principals/tees");
    let tees = tees.and_then(Value::as_array_mut).ok_or("no profiles")?;
    let new = caller_measurement(NEW_BUILD).to_string();
    tees.retain(|tee| tee.get("mrenclave").and_then(Value::as_str) != Some(&new));
    let file = write(facts, "removed-policy.json", &policy)?;
    let request = facts.path("removal.json");
    let ask = [
        "approve",
        "request",
        &facts.everywhere,
        "--operation",
        "update_policy",
        "--policy",
        &file,
        "--out",
        &request,
    ];
    shell.done(OWNER, &ask).await?;
    answer(shell, facts, "removal.json", "removal-answer.json").await?;
    let answer = facts.path("removal-answer.json");
    let update = [
        "policy",
        "edit",
        &facts.everywhere,
        "--policy",
        &file,
        "--approval",
        &request,
        "--approval",
        &answer,
    ];
    shell.done(OWNER, &update).await?;
    everywhere(shell, stack, facts, NEW_BUILD, false).await?;
    everywhere(shell, stack, facts, OLD_BUILD, true).await?;
    Ok("refused again on every vault; the old build still works".to_owned())
}

/// The build asks every vault for a signature; each must answer the same.
async fn everywhere(
    shell: &Shell,
    stack: &Stack,
    facts: &Facts,
    build: &str,
    allowed: bool,
) -> Result<(), String> {
    let sim = facts.sim.display().to_string();
    let (message, signature) = (facts.path("message"), facts.path("service.sig"));
    for number in 1..=stack.plan.vaults {
        let vault = stack.vault_id(number).map_err(|error| error.message())?;
        let arguments = [
            "__caller",
            "--sim",
            &sim,
            "--build",
            build,
            &facts.everywhere,
            "--in",
            &message,
            "--out",
            &signature,
            "--vault",
            &vault,
        ];
        let ended = shell.evault(OWNER, &arguments).await?;
        let as_wanted = match allowed {
            true => ended.code == 0,
            false => ended.code == 3 && ended.error("code") == "policy_denied",
        };
        if !as_wanted {
            return Err(ended.complain(&arguments));
        }
    }
    Ok(())
}
