use super::super::signed::Signer;
use super::*;
use vault_audit::Proven;
use vault_encoding::sha256;

fn witnessed(head: &SeenHead) -> Witnessed {
    Witnessed {
        head: head.clone(),
        boot_id: None,
        carried_by: None,
    }
}

fn contradict(
    store: &HeadStore,
    signer: &Signer,
    code: ErrorCode,
    heads: (&SeenHead, &SeenHead),
) -> Error {
    let (seen, answered) = (witnessed(heads.0), witnessed(heads.1));
    store.contradiction(code, signer.key, Found::Refusal, seen, answered)
}

#[test]
fn whatever_a_vault_says_of_two_heads_what_is_kept_can_be_checked() {
    let signer = Signer::new(5);
    let codes = [ErrorCode::RollbackDetected, ErrorCode::ForkDetected];
    for code in codes {
        for (seen, answered) in (1..=4).flat_map(|a| (1..=4).map(move |b| (a, b))) {
            for log in ["a", "b"] {
                let dir = tempfile::tempdir().unwrap();
                let store = HeadStore::new(dir.path());
                let (seen, answered) = (signer.head("a", seen), signer.head(log, answered));
                let error = contradict(&store, &signer, code, (&seen, &answered));
                let kept = store.evidence(&signer.vault()).unwrap();
                if seen == answered {
                    assert_eq!((error.code, kept.len()), (code, 0));
                    continue;
                }
                let proven = kept[0].evidence.check().unwrap().proven;
                assert_eq!(proven == Proven::TwoLogs, seen.size == answered.size);
                assert_eq!(kept[0].error().code, error.code);
            }
        }
    }
}

#[test]
fn a_decision_forgives_the_head_that_it_names_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (store, signer) = (HeadStore::new(dir.path()), Signer::new(5));
    let vault = signer.vault();
    let memory = |store: &HeadStore| store.head(&vault).unwrap().unwrap();
    let remember = |head: &SeenHead, extended: Option<&SeenHead>, boot| {
        store
            .remember(&vault, head, extended, &signer.showing(boot))
            .unwrap()
    };
    let seen = signer.head("a", 20);
    remember(&seen, None, 1);

    // Another one's head was contradicted, and not what is remembered here.
    let (told, answered) = (signer.head("a", 30), signer.head("b", 9));
    let code = ErrorCode::RollbackDetected;
    let mut carried = witnessed(&told);
    carried.carried_by = Some(VaultId(sha256(b"other vault")));
    store.contradiction(
        code,
        signer.key,
        Found::Refusal,
        carried,
        witnessed(&answered),
    );
    let kept = store.evidence(&vault).unwrap();
    store.acknowledge(&kept[0], GoOnWith::Answered).unwrap();
    assert_eq!(memory(&store), seen);

    // Once for the memory; said again when more was seen, it takes nothing back.
    contradict(&store, &signer, code, (&seen, &answered));
    let kept = store.evidence(&vault).unwrap();
    let open = kept
        .iter()
        .find(|kept| kept.acknowledged.is_none())
        .unwrap();
    store.acknowledge(open, GoOnWith::Answered).unwrap();
    assert_eq!(memory(&store), answered);
    let longer = signer.head("b", 15);
    remember(&longer, Some(&answered), 2);
    store.acknowledge(open, GoOnWith::Answered).unwrap();
    assert_eq!(memory(&store), longer);
    assert_eq!(store.last_boot(&vault).unwrap().unwrap().id, [2; 16]);
}
