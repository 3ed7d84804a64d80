//! What this client remembers of one vault: without it, nobody here notices a rollback.

use serde_json::{Map, Value, json};
use vault_client::{Boot, HeadStore, KeptEvidence, Result, ToldHead};
use vault_encoding::text;
use vault_policy::VaultId;

/// What `vault inspect` shows beside the vault's own words.
pub(super) fn describe(store: &HeadStore, vault: &VaultId) -> Result<Map<String, Value>> {
    let head = store.head(vault)?;
    let boot = store.last_boot(vault)?;
    let told = store.told(vault)?;
    let evidence = store.evidence(vault)?;
    let boot_id = |boot: Boot| text::hex(&boot.id);
    let fields = [
        (
            "remembered_size",
            json!(head.as_ref().map(|head| head.size)),
        ),
        (
            "remembered_root",
            json!(head.as_ref().map(|head| head.root.to_string())),
        ),
        ("remembered_boot_id", json!(boot.map(boot_id))),
        ("carried", told.iter().map(carried).collect()),
        ("evidence", evidence.iter().map(named).collect()),
    ];
    let named = fields.into_iter();
    Ok(named
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

fn carried(told: &ToldHead) -> Value {
    json!({
        "size": told.head.size,
        "root": told.head.root.to_string(),
        "carried_by": told.carried_by.to_string(),
        "proven": told.proven,
    })
}

fn named(kept: &KeptEvidence) -> Value {
    json!({
        "id": kept.id,
        "kind": kept.evidence.kind.name(),
        "acknowledged": kept.acknowledged.is_some(),
    })
}

/// What a check says of it.
pub(super) enum Remembered {
    /// A rollback behind this is noticed.
    Since(String),
    /// No rollback before now is noticed.
    Nothing(String),
}

/// Fails where evidence stops every use of the vault.
pub(super) fn check(store: &HeadStore, vault: &VaultId) -> Result<Remembered> {
    let evidence = store.evidence(vault)?;
    if let Some(open) = evidence.iter().find(|kept| kept.acknowledged.is_none()) {
        return Err(open.error());
    }
    let told = store.told(vault)?;
    let open = told.iter().filter(|told| !told.proven).count();
    Ok(match store.head(vault)? {
        None => Remembered::Nothing(
            "nothing is remembered of this vault: no rollback before its first call is noticed \
             here (no L1)"
                .to_owned(),
        ),
        Some(head) => {
            let boot = store.last_boot(vault)?.map(|boot| text::hex(&boot.id));
            Remembered::Since(format!(
                "{} entries seen, start {}; {} heads of others, {open} of them not shown yet; {} \
                 pieces of evidence",
                head.size,
                boot.as_deref().unwrap_or("unknown"),
                told.len(),
                evidence.len(),
            ))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_audit::HeadEvidence;

    #[test]
    fn evidence_that_stands_is_told_with_both_heads_and_the_file_that_keeps_them() {
        let bytes = include_bytes!("../../../../vectors/audit/evidence/two_logs.json");
        let evidence = HeadEvidence::from_bytes(bytes).unwrap();
        let vault = VaultId(evidence.key.vault_id());
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("vaults").join(vault.to_string());
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join(format!("evidence-{}.json", evidence.id()));
        std::fs::write(&file, bytes).unwrap();
        let error = check(&HeadStore::new(home.path()), &vault).err().unwrap();
        let told = crate::output::error_json(&error);
        let checked = evidence.check().unwrap();
        assert_eq!(told["code"], "fork_detected");
        assert_eq!(told["seen"]["root"], checked.seen.root.to_string());
        assert_eq!(told["answered"]["size"], checked.answered.size);
        assert_eq!(told["evidence"], json!(file));
    }
}
