//! The entry of a change that governance signed.

use super::{Logged, Receipt, Shown, invalid, open};
use crate::error::Result;
use crate::session::Session;
use vault_audit::Entry;
use vault_encoding::text;
use vault_governance::{GovernanceSignature, Reconfiguration};
use vault_proto::v1;

/// Holds a receipt to the identity key of the vault at hand, and its entry to the statement and to those who
/// signed it.
pub(crate) fn verify_governed(
    receipt: v1::Receipt,
    session: &Session,
    statement: &Reconfiguration,
    signatures: &[GovernanceSignature],
) -> Result<(Receipt, u64)> {
    let (head, shown) = open(receipt, |head| session.head(head))?;
    let Shown::Entry(logged) = shown else {
        return Err(invalid("the change is not shown to be logged"));
    };
    let entry = Entry::from_leaf(&logged.leaf).map_err(invalid)?;
    if !is_of(&entry, statement, signatures) {
        return Err(invalid("the entry is that of another change"));
    }
    let Logged { index, .. } = logged;
    let logged = Some(logged);
    Ok((Receipt { head, logged }, index))
}

/// `statement H from H to H signed by K K …`: docs/governance.md.
fn is_of(entry: &Entry, statement: &Reconfiguration, signatures: &[GovernanceSignature]) -> bool {
    let of = format!(
        "statement {} from {} to {} signed by ",
        statement.hash(),
        statement.old_trust_root,
        statement.new_trust_root
    );
    let keys: Vec<String> = signatures.iter().map(|by| text::hex(&by.key.0)).collect();
    let signed = |by: &str| {
        by.split(' ')
            .all(|key| keys.iter().any(|known| known == key))
    };
    entry.allowed
        && entry.operation == "reconfigure"
        && entry.principals.is_empty()
        && entry.outcome.strip_prefix(&of).is_some_and(signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::Hash;
    use vault_governance::{ConstellationId, SigningKey};
    use vault_policy::VaultId;

    fn statement() -> Reconfiguration {
        Reconfiguration {
            constellation: ConstellationId(Hash([1; 32])),
            vault_id: VaultId(Hash([2; 32])),
            old_trust_root: Hash([3; 32]),
            new_trust_root: Hash([4; 32]),
            nonce: [5; 32],
        }
    }

    fn entry(outcome: &str) -> Entry {
        let leaf = include_bytes!("../../../../vectors/audit/leaf-bare.json");
        Entry {
            operation: "reconfigure".into(),
            principals: Vec::new(),
            handle: String::new(),
            allowed: true,
            reason: String::new(),
            outcome: outcome.into(),
            ..Entry::from_leaf(leaf.trim_ascii_end()).unwrap()
        }
    }

    #[test]
    fn an_entry_is_of_a_change_whose_statement_roots_and_signers_it_names() {
        let pem = include_str!("../../../../vectors/governance/key.pem");
        let key = SigningKey::from_pem(pem).unwrap();
        let signatures = [key.sign_reconfiguration(&statement())];
        let outcome = |statement: &Reconfiguration, by: &str| {
            let Reconfiguration {
                old_trust_root,
                new_trust_root,
                ..
            } = statement;
            let hash = statement.hash();
            format!("statement {hash} from {old_trust_root} to {new_trust_root} signed by {by}")
        };
        let own = text::hex(&key.public().0);
        let is = |entry: &Entry| is_of(entry, &statement(), &signatures);
        assert!(is(&entry(&outcome(&statement(), &own))));
        let other = Reconfiguration {
            nonce: [6; 32],
            ..statement()
        };
        assert!(!is(&entry(&outcome(&other, &own))));
        assert!(!is(&entry(&outcome(&statement(), &"0".repeat(64)))));
        assert!(!is(&entry(&outcome(&statement(), ""))));
        let mut adopted = entry(&outcome(&statement(), &own));
        adopted.operation = "adopt_quorum".into();
        assert!(!is(&adopted));
        let mut refused = entry(&outcome(&statement(), &own));
        refused.allowed = false;
        assert!(!is(&refused));
    }
}
