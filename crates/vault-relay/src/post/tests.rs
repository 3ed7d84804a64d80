//! What is held, by a clock of the test's own.

use super::*;

fn source(last: u8) -> Source {
    Source::of([10, 0, 0, last].into())
}

fn id(byte: u8) -> RequestId {
    RequestId([byte; 16])
}

fn mailbox(byte: u8) -> Hash {
    Hash([byte; 32])
}

fn posting(boxes: &[u8], length: usize, ttl: u64) -> Posting {
    Posting {
        mailboxes: boxes.iter().map(|byte| mailbox(*byte)).collect(),
        bundle: Bytes::from(vec![b'x'; length]),
        ttl,
    }
}

fn post(change: impl FnOnce(&mut LimitsConfig)) -> Post {
    let mut limits = LimitsConfig::default();
    change(&mut limits);
    Post::new(limits)
}

#[test]
fn a_request_is_there_until_its_second_and_no_longer() {
    let mut post = post(|_| {});
    let listed = post.put(id(1), posting(&[1, 2], 10, 60), source(1), 1000);
    assert_eq!(listed.unwrap().expires_at, 1060);
    post.answer(&id(1), Bytes::from("a"), source(2), 1059)
        .unwrap();
    for wanted in [1, 2] {
        assert_eq!(post.list(&mailbox(wanted), 1059).len(), 1);
        assert_eq!(post.list(&mailbox(wanted), 1060), []);
    }
    assert_eq!(post.list(&mailbox(3), 1000), []);
    assert_eq!(post.bundle(&id(1), 1059).unwrap().len(), 10);
    assert_eq!(post.bundle(&id(1), 1060), Err(Refused::NotFound));
    assert_eq!(post.answers(&id(1), 1059).unwrap(), ["a"]);
    assert_eq!(post.answers(&id(1), 1060), Err(Refused::NotFound));
    let late = post.answer(&id(1), Bytes::from("b"), source(2), 1060);
    assert_eq!(late, Err(Refused::NotFound));
    assert!(post.requests.is_empty(), "what has expired takes no room");
}

#[test]
fn nothing_lives_longer_than_allowed() {
    let mut post = post(|limits| limits.longest_ttl = 100);
    for (number, (ttl, lives)) in [(99, 99), (100, 100), (101, 100), (u64::MAX, 100)]
        .into_iter()
        .enumerate()
    {
        let number = u8::try_from(number).unwrap();
        let listed = post.put(id(number), posting(&[1], 1, ttl), source(1), 7);
        assert_eq!(listed.unwrap().expires_at, 7 + lives);
    }
    let order: Vec<u64> = post
        .list(&mailbox(1), 7)
        .iter()
        .map(|one| one.expires_at)
        .collect();
    assert!(order.is_sorted());
}

#[test]
fn every_bound_holds_at_both_ends_and_says_when_there_is_room() {
    type Change = fn(&mut LimitsConfig);
    let cases: [(Change, [u8; 3], u8); 3] = [
        (|limits| limits.requests = 2, [1, 1, 2], 2),
        (|limits| limits.requests_per_source = 2, [1, 1, 1], 2),
        (|limits| limits.requests_per_mailbox = 2, [1, 3, 2], 1),
    ];
    for (change, [first, second, from], mailbox) in cases {
        let mut post = post(change);
        post.put(id(1), posting(&[1], 1, 30), source(first), 0)
            .unwrap();
        post.put(id(2), posting(&[1], 1, 50), source(second), 0)
            .unwrap();
        let third = post.put(id(3), posting(&[9, mailbox], 1, 50), source(from), 10);
        assert_eq!(third, Err(Refused::TooMany(20)));
        assert!(
            post.put(id(3), posting(&[mailbox], 1, 50), source(from), 30)
                .is_ok()
        );
    }
}

#[test]
fn one_source_cannot_keep_others_out_of_a_mailbox() {
    let mut post = post(|_| {});
    let boxes: Vec<u8> = (1..=64).collect();
    let mut put = |number: u8, boxes: &[u8], by| {
        post.put(id(number), posting(boxes, 1, 50), source(by), 0)
            .map(|_| ())
    };
    for number in 0..16 {
        assert_eq!(put(number, &boxes, 1), Ok(()), "{number}");
    }
    assert_eq!(put(16, &boxes, 1), Err(Refused::TooMany(50)));
    assert_eq!(put(16, &[65, 64], 1), Err(Refused::TooMany(50)));
    assert_eq!(put(16, &[65], 1), Ok(()), "another mailbox has room");
    for (by, number) in (2..=4).flat_map(|by| (0..16).map(move |at| (by, by * 16 + at))) {
        assert_eq!(put(number, &[64], by), Ok(()), "{number}");
    }
    assert_eq!(put(80, &[64], 5), Err(Refused::TooMany(50)), "it is full");
}

#[test]
fn bytes_are_bounded_in_all_and_by_source() {
    let mut post = post(|limits| (limits.bytes, limits.bytes_per_source) = (20, 15));
    post.put(id(1), posting(&[1], 10, 50), source(1), 0)
        .unwrap();
    let own = post.put(id(2), posting(&[1], 6, 50), source(1), 0);
    assert_eq!(own, Err(Refused::TooMany(50)));
    post.put(id(2), posting(&[1], 5, 50), source(1), 0).unwrap();
    let all = post.answer(&id(1), Bytes::from("123456"), source(2), 0);
    assert_eq!(all, Err(Refused::TooMany(50)));
    post.answer(&id(1), Bytes::from("12345"), source(2), 0)
        .unwrap();
}

#[test]
fn one_source_cannot_keep_others_from_answering() {
    let mut post = post(|limits| limits.answers = 8);
    post.put(id(1), posting(&[1], 1, 50), source(1), 0).unwrap();
    let mut answer = |text: &'static str, by| post.answer(&id(1), Bytes::from(text), source(by), 0);
    assert_eq!((answer("a", 1), answer("b", 1)), (Ok(()), Ok(())));
    assert_eq!(
        answer("a", 1),
        Ok(()),
        "the same answer again takes no room"
    );
    assert_eq!(answer("c", 1), Err(Refused::TooMany(50)));
    assert_eq!(answer("d", 2), Ok(()));
    assert_eq!(post.answers(&id(1), 0).unwrap(), ["a", "b", "d"]);
}
