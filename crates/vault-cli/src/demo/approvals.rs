//! One exact request, approved by a manager with a software credential, carried out once.

use super::facts::Facts;
use super::openssl;
use super::report::Told;
use super::shell::{Ended, Shell, text};
use serde_json::{Value, json};

/// The manager's name in the policies.
pub(super) const MANAGER: &str = "grace";
/// Who asks, and on whose behalf everything here is done.
pub(super) const OWNER: &str = "owner";
/// The condition that lacks an approval.
const CONDITION: &str = "manager_approval";

/// Makes the manager's credential, and a key whose policy names it.
pub(super) async fn create(shell: &Shell, facts: &mut Facts) -> Told {
    let credential = facts.secret_path("grace.json");
    let registered = shell
        .done(OWNER, &["approve", "register", "--out", &credential])
        .await?;
    let passkey = registered.get("credential");
    facts.passkey = passkey.ok_or("no credential was shown")?.clone();
    let policy = json!({
        "format": "enclave-vaults/key-policy/v1",
        "principals": {
            "owner": owner(shell).await?,
            "managers": [{ "id": MANAGER, "credentials": [facts.passkey] }],
        },
        "operations": [{
            "name": "release",
            "operations": ["sign"],
            "principals": ["owner"],
            "condition": { "manager_approval": { "managers": [MANAGER] } },
        }],
    });
    let file = write(facts, "approved-policy.json", &policy)?;
    let arguments = [
        "key", "create", "--type", "p256", "--name", "approved", "--policy", &file,
    ];
    facts.approved = text(&shell.done(OWNER, &arguments).await?, "handle")?;
    let pem = facts.path("approved.pem");
    shell
        .done(OWNER, &["key", "show", &facts.approved, "--pem", &pem])
        .await?;
    Ok(format!(
        "{} signs what {MANAGER} has approved; her credential is a software one",
        facts.approved
    ))
}

pub(super) async fn unapproved(shell: &Shell, facts: &Facts) -> Told {
    let arguments = signing(facts, None);
    let refused = shell.evault(OWNER, &words(&arguments)).await?;
    let condition = wants_approval(&refused).ok_or_else(|| refused.complain(&words(&arguments)))?;
    Ok(format!("refused: {condition}"))
}

/// The manager sees the decoded statements, and answers them with one signature.
pub(super) async fn approve(shell: &Shell, facts: &Facts) -> Told {
    let message = facts.path("message");
    let request = facts.path("request.json");
    let ask = [
        "approve",
        "request",
        &facts.approved,
        "--operation",
        "sign",
        "--in",
        &message,
        "--show-payload",
        "--out",
        &request,
    ];
    shell.done(OWNER, &ask).await?;
    answer(shell, facts, "request.json", "answer.json").await?;
    Ok("one gesture, over this message, this key, this policy, this caller, this vault".to_owned())
}

/// Writes the manager's answer to a request.
pub(super) async fn answer(
    shell: &Shell,
    facts: &Facts,
    request: &str,
    answer: &str,
) -> Result<(), String> {
    let credential = facts.secret_path("grace.json");
    let (request, answer) = (facts.path(request), facts.path(answer));
    let sign = [
        "approve",
        "sign",
        &request,
        "--credential",
        &credential,
        "--yes",
        "--out",
        &answer,
    ];
    shell.done(OWNER, &sign).await.map(drop)
}

pub(super) async fn sign(shell: &Shell, facts: &Facts) -> Told {
    let arguments = signing(facts, Some("answer.json"));
    shell.done(OWNER, &words(&arguments)).await?;
    let verdict = openssl::verify(
        &facts.file("approved.pem"),
        &facts.file("approved.sig"),
        &facts.file("message"),
    )
    .await?;
    Ok(format!("signed; openssl says {verdict}"))
}

/// The vault forgot the nonce when it was used.
pub(super) async fn again(shell: &Shell, facts: &Facts) -> Told {
    let arguments = signing(facts, Some("answer.json"));
    let refused = shell.evault(OWNER, &words(&arguments)).await?;
    if refused.code != 3 || refused.error("code") != "approval_refused" {
        return Err(refused.complain(&words(&arguments)));
    }
    Ok("refused: it was good for one signature".to_owned())
}

/// The condition that a refusal names, if it is that of approvals.
pub(super) fn wants_approval(refused: &Ended) -> Option<String> {
    let condition = refused.error("condition");
    let named = condition.contains(CONDITION) && !refused.error("rule").is_empty();
    let denied = refused.code == 3 && refused.error("code") == "policy_denied";
    (denied && named).then(|| format!("rule {}, condition {condition}", refused.error("rule")))
}

/// The owner, as policies name subjects.
pub(super) async fn owner(shell: &Shell) -> Result<Value, String> {
    let me = shell.done(OWNER, &["whoami"]).await?;
    Ok(json!({ "issuer": text(&me, "issuer")?, "subject": text(&me, "subject")? }))
}

/// Writes a policy or profile; the path as an argument.
pub(super) fn write(facts: &Facts, name: &str, value: &Value) -> Told {
    std::fs::write(facts.file(name), value.to_string()).map_err(|error| error.to_string())?;
    Ok(facts.path(name))
}

fn signing(facts: &Facts, answer: Option<&str>) -> Vec<String> {
    let mut arguments: Vec<String> = ["key", "sign", &facts.approved, "--in"]
        .map(str::to_owned)
        .to_vec();
    arguments.extend([
        facts.path("message"),
        "--out".to_owned(),
        facts.path("approved.sig"),
    ]);
    if let Some(answer) = answer {
        for file in ["request.json", answer] {
            arguments.extend(["--approval".to_owned(), facts.path(file)]);
        }
    }
    arguments
}

pub(super) fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}
