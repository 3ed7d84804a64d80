//! What has been decided about, and is met again.

use super::*;

#[test]
fn the_log_that_was_to_come_back_and_did_not_stops_the_vault_again() {
    let bench = Remembering::new();
    for _ in 0..3 {
        bench.put_back(&bench.seen);
        assert_eq!(bench.decided(), [None]);
        bench.decide(GoOnWith::Seen);
        assert_eq!(bench.decided(), [Some(GoOnWith::Seen)]);
    }
}

#[test]
fn what_others_have_seen_and_the_vault_does_not_show_stops_it_again() {
    let bench = Remembering::new();
    let (vault, told) = (bench.signer.vault(), bench.signer.head("a", 30));
    let via = VaultId(sha256(b"other vault"));
    let note = bench.signer.note(&told);
    assert_eq!(bench.store.take(&vault, &[note], via), []);
    bench.put_back(&told);
    bench.decide(GoOnWith::Seen);
    bench.put_back(&told);
    assert_eq!(bench.decided(), [None]);
    // Once it was shown, the memory says what the vault is held to.
    bench.decide(GoOnWith::Seen);
    bench.shown(&told, Some(&bench.seen), 1);
    bench.shown(&bench.signer.head("a", 31), Some(&told), 1);
    bench.store.prove_told(&vault, &told).unwrap();
    bench.put_back(&told);
    assert_eq!(bench.decided(), [Some(GoOnWith::Seen)]);
}

#[test]
fn a_log_that_came_back_after_it_was_given_up_cannot_go_unnoticed_a_second_time() {
    let bench = Remembering::new();
    bench.put_back(&bench.seen);
    bench.decide(GoOnWith::Answered);
    bench.shown(&bench.seen, Some(&bench.answered), 3);
    assert_eq!(bench.decided(), [Some(GoOnWith::Answered)]);
    bench.put_back(&bench.seen);
    assert_eq!(bench.decided(), [None]);
}

#[test]
fn a_call_that_was_under_way_does_not_undo_that_a_log_was_given_up() {
    let bench = Remembering::new();
    bench.put_back(&bench.seen);
    bench.decide(GoOnWith::Answered);
    bench.put_back(&bench.seen);
    assert_eq!(bench.decided(), [Some(GoOnWith::Answered)]);
    let longer = bench.signer.head("b", 15);
    bench.shown(&longer, Some(&bench.answered), 2);
    bench.put_back(&bench.seen);
    assert_eq!(bench.decided(), [Some(GoOnWith::Answered)]);
}

#[test]
fn what_was_seen_and_is_not_remembered_has_to_be_shown_once_a_person_has_decided_so() {
    let signer = Signer::new(5);
    let (vault, via) = (signer.vault(), VaultId(sha256(b"other vault")));
    let (kept, answered) = (signer.head("a", 20), signer.head("a", 12));
    for (remembers, carried_by) in [(true, None), (false, None), (true, Some(via))] {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        if remembers {
            let shown = signer.showing(2);
            store.remember(&vault, &answered, None, &shown).unwrap();
        }
        let contradict = || {
            let mut seen = witnessed(&kept);
            seen.carried_by = carried_by;
            let (code, found) = (ErrorCode::RollbackDetected, Found::Answer);
            store.contradiction(code, signer.key, found, seen, witnessed(&answered));
            store.evidence(&vault).unwrap().remove(0)
        };
        store.acknowledge(&contradict(), GoOnWith::Seen).unwrap();
        let told = store.told(&vault).unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0].head, told[0].proven), (&kept, false));
        assert_eq!(told[0].carried_by, carried_by.unwrap_or(vault));
        assert_eq!(contradict().acknowledged, None, "it was not shown");
        // Decided again, it is held against the vault once; given up, not at all.
        for (which, left) in [(GoOnWith::Seen, 1), (GoOnWith::Answered, 0)] {
            store.acknowledge(&contradict(), which).unwrap();
            assert_eq!(store.told(&vault).unwrap().len(), left);
        }
    }
}

#[test]
fn what_a_person_wants_shown_is_not_cut_by_what_others_have_seen() {
    let bench = Remembering::new();
    let (vault, via) = (bench.signer.vault(), VaultId(sha256(b"other vault")));
    let notes: Vec<_> = (100..116)
        .map(|size| bench.signer.note(&bench.signer.head("a", size)))
        .collect();
    assert_eq!(bench.store.take(&vault, &notes, via), []);
    let kept = bench.signer.head("a", 30);
    bench.put_back(&kept);
    bench.decide(GoOnWith::Seen);
    let late = bench.signer.note(&bench.signer.head("a", 200));
    bench.store.take(&vault, &[late], via);
    let told = bench.store.told(&vault).unwrap();
    assert!(told.iter().any(|told| told.head == kept));
}

#[test]
fn what_was_shown_of_a_log_that_is_given_up_is_not_held_against_the_one_that_goes_on() {
    let bench = Remembering::new();
    let (vault, via) = (bench.signer.vault(), VaultId(sha256(b"other vault")));
    let early = [15, 18].map(|size| bench.signer.head("a", size));
    let notes = early.clone().map(|head| bench.signer.note(&head));
    assert_eq!(bench.store.take(&vault, &notes, via), []);
    for head in &early {
        bench.store.prove_told(&vault, head).unwrap();
    }
    let unshown = bench.signer.head("a", 30);
    let note = bench.signer.note(&unshown);
    assert_eq!(bench.store.take(&vault, &[note], via), []);
    bench.put_back(&bench.seen);
    bench.decide(GoOnWith::Answered);
    // A head that the vault never showed wants a decision of its own.
    let told = bench.store.told(&vault).unwrap();
    let told: Vec<_> = told.into_iter().map(|told| told.head).collect();
    assert_eq!(told, [unshown]);
    let honest = bench.signer.note(&bench.signer.head("b", 18));
    assert_eq!(bench.store.take(&vault, &[honest], via), []);
}

#[test]
fn a_vault_that_was_put_back_and_grows_is_one_piece_of_evidence_until_it_is_decided_about() {
    let mut bench = Remembering::new();
    let grows = |bench: &mut Remembering| {
        for size in 9..19 {
            bench.answered = bench.signer.head("b", size);
            bench.put_back(&bench.seen);
        }
    };
    grows(&mut bench);
    assert_eq!(bench.decided(), [None]);
    // Another head that was seen is gone as well, and wants a decision of its own.
    let told = bench.signer.head("a", 30);
    bench.put_back(&told);
    assert_eq!(bench.decided(), [None; 2]);
    bench.decide(GoOnWith::Seen);
    grows(&mut bench);
    let open = bench.decided();
    let open = open.iter().filter(|decided| decided.is_none());
    assert_eq!(open.count(), 1, "what was decided has happened again");
}

#[test]
fn a_vault_that_signs_any_number_of_logs_does_not_fill_the_disk_of_who_meets_them() {
    let bench = Remembering::new();
    let (vault, via) = (bench.signer.vault(), VaultId(sha256(b"other vault")));
    for number in 0..30 {
        let note = bench
            .signer
            .note(&bench.signer.head(&format!("log {number} "), 20));
        let errors = bench.store.take(&vault, &[note], via);
        assert_eq!(errors[0].code, ErrorCode::ForkDetected);
        let kept = errors[0].heads.as_ref().unwrap().evidence.is_some();
        assert_eq!(kept, number < 16);
        let told = errors[0].to_string();
        assert_eq!(told.contains("evidence not kept"), !kept, "{told}");
    }
    assert_eq!(bench.evidence().len(), 16);
    // What the vault itself shows is kept all the same, and a decision makes room.
    bench.put_back(&bench.seen);
    assert_eq!(bench.evidence().len(), 17);
    bench.decide(GoOnWith::Seen);
    let note = bench.signer.note(&bench.signer.head("b", 20));
    bench.store.take(&vault, &[note], via);
    assert_eq!(bench.evidence().len(), 18);
}
