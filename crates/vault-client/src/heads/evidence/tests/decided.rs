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
