//! Bundles of approvals. What parses writes itself, and every vault's path in it leads to its challenge.

use vault_approval::{Bundle, challenge_of, root_of, statement_leaf};

/// One input.
pub fn run(data: &[u8]) {
    let Ok(bundle) = Bundle::parse(data) else {
        return;
    };
    let json = bundle.to_json();
    assert_eq!(Bundle::parse(&json).as_ref(), Ok(&bundle));
    let challenge = bundle.tree().expect("16 leaves").challenge();
    for (index, salted) in (0u32..).zip(bundle.statements()) {
        let approval = bundle.approval(index, Vec::new()).expect("its place");
        let leaf = statement_leaf(&salted.salt, &salted.statement.canonical_bytes());
        let root = root_of(leaf, approval.index, &approval.path).expect("an index below 16");
        assert_eq!(challenge_of(&root), challenge);
        assert_eq!(approval.nonce, salted.statement.nonce);
    }
}
