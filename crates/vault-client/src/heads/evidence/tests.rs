use super::super::signed::Signer;
use super::*;
use vault_audit::{Found, Proven};
use vault_encoding::sha256;

mod decided;

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

/// A store that remembers a head of 20, shown by the vault's first start.
struct Remembering {
    _dir: tempfile::TempDir,
    store: HeadStore,
    signer: Signer,
    seen: SeenHead,
    answered: SeenHead,
}

impl Remembering {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (store, signer) = (HeadStore::new(dir.path()), Signer::new(5));
        let new = Self {
            _dir: dir,
            store,
            seen: signer.head("a", 20),
            answered: signer.head("b", 9),
            signer,
        };
        new.shown(&new.seen, None, 1);
        new
    }

    fn shown(&self, head: &SeenHead, extended: Option<&SeenHead>, boot: u8) {
        let (vault, shown) = (self.signer.vault(), self.signer.showing(boot));
        let kept = self.store.remember(&vault, head, extended, &shown);
        assert_eq!(kept.unwrap(), crate::heads::Remembered::Advanced);
    }

    fn put_back(&self, seen: &SeenHead) {
        let heads = (seen, &self.answered);
        contradict(
            &self.store,
            &self.signer,
            ErrorCode::RollbackDetected,
            heads,
        );
    }

    fn decide(&self, which: GoOnWith) {
        for kept in self.evidence() {
            self.store.acknowledge(&kept, which).unwrap();
        }
    }

    fn evidence(&self) -> Vec<KeptEvidence> {
        self.store.evidence(&self.signer.vault()).unwrap()
    }

    fn decided(&self) -> Vec<Option<GoOnWith>> {
        let all = self.evidence();
        all.iter().map(|kept| kept.acknowledged).collect()
    }
}

/// The same head, with lines of signers that nobody here knows.
fn witnesses(head: &SeenHead, lines: usize, bytes: usize) -> SeenHead {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let line = format!("\u{2014} witness {}\n", STANDARD.encode(vec![7; bytes]));
    let mut head = head.clone();
    head.checkpoint.extend(line.repeat(lines).into_bytes());
    head
}

#[test]
fn two_heads_are_one_piece_of_evidence_whoever_else_has_signed_them() {
    let bench = Remembering::new();
    let (vault, via) = (bench.signer.vault(), VaultId(sha256(b"carrier")));
    let fork = bench.signer.head("b", 20);
    let mut kept = Vec::new();
    for number in 0..50 {
        let note = bench.signer.note(&witnesses(&fork, 1, 5 + number));
        let errors = bench.store.take(&vault, &[note], via);
        assert_eq!(errors[0].code, ErrorCode::ForkDetected);
        kept.push(errors[0].heads.clone().unwrap().evidence.unwrap());
    }
    let all = bench.evidence();
    assert_eq!(all.len(), 1);
    assert!(kept.iter().all(|path| *path == all[0].path));
    // The other way round it is another piece: with it another log would be given up.
    contradict(
        &bench.store,
        &bench.signer,
        ErrorCode::ForkDetected,
        (&fork, &bench.seen),
    );
    assert_eq!(bench.evidence().len(), 2);
}

#[test]
fn a_decision_about_two_heads_counts_whoever_else_has_signed_them() {
    for (which, again) in [
        (GoOnWith::Seen, None),
        (GoOnWith::Answered, Some(GoOnWith::Answered)),
    ] {
        let bench = Remembering::new();
        bench.put_back(&bench.seen);
        bench.decide(which);
        bench.put_back(&witnesses(&bench.seen, 1, 5));
        assert_eq!(bench.decided(), [again]);
    }
}

#[test]
fn evidence_that_cannot_be_read_does_not_keep_other_evidence_from_being_kept() {
    let bench = Remembering::new();
    bench.put_back(&bench.seen);
    std::fs::write(&bench.evidence()[0].path, b"{").unwrap();
    let longer = bench.signer.head("a", 30);
    let error = contradict(
        &bench.store,
        &bench.signer,
        ErrorCode::RollbackDetected,
        (&longer, &bench.answered),
    );
    let heads = error.heads.clone().unwrap();
    assert!(heads.evidence.unwrap().exists());
}

#[test]
fn a_note_with_any_number_of_witnesses_makes_evidence_that_can_be_read_and_decided_about() {
    for (lines, bytes) in [(20, 2500), (98, 5), (99, 7000)] {
        let bench = Remembering::new();
        let kept = witnesses(&bench.seen, lines, bytes);
        vault_audit::Checkpoint::verify(&kept.checkpoint, &bench.signer.key).unwrap();
        let (code, key) = (ErrorCode::RollbackDetected, bench.signer.key);
        let answered = bench.answered.clone();
        let error = bench.store.refuted(code, key, kept.clone(), answered);
        let heads = error.heads.clone().unwrap();
        assert_eq!(heads.seen, kept);
        let all = bench.evidence();
        assert_eq!(heads.evidence, Some(all[0].path.clone()));
        let checked = all[0].evidence.check().unwrap();
        assert_eq!(
            (checked.seen.size, checked.proven),
            (20, Proven::ShorterLater)
        );
        bench.decide(GoOnWith::Answered);
        assert_eq!(bench.decided(), [Some(GoOnWith::Answered)]);
    }
}

#[test]
fn what_could_not_be_read_back_is_told_and_not_written() {
    let bench = Remembering::new();
    let mut unsigned = bench.signer.head("a", 30);
    unsigned.checkpoint = vec![b'x'; 70_000];
    let (code, key) = (ErrorCode::RollbackDetected, bench.signer.key);
    let answered = bench.answered.clone();
    let error = bench.store.refuted(code, key, unsigned, answered);
    assert_eq!(error.code, code);
    assert!(error.to_string().contains("evidence not kept"), "{error}");
    assert!(bench.evidence().is_empty());
}
