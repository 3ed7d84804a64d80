//! The frames of the preamble under arbitrary bytes, and the order in which they may come.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use proptest::prelude::*;
use ratls::preamble::client::{AwaitEvidence, OutOfTurn};
use ratls::preamble::server::AwaitHello;
use ratls::preamble::{
    Evidence, Frame, FrameError, HEADER_LENGTH, Header, Hello, Kind, MAX_PAYLOAD, Place, Proof,
    Reason,
};
use vault_encoding::Hash;

fn any_hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn any_place() -> impl Strategy<Value = Place> {
    let path = proptest::collection::vec(any_hash(), 0..=32);
    (any::<u32>(), 1..=u32::MAX, any_hash(), path).prop_map(|(index, size, root, path)| Place {
        index: index % size,
        size,
        root,
        path,
    })
}

fn any_proof() -> impl Strategy<Value = Proof> {
    let block = || proptest::collection::vec(any::<u8>(), 1..300);
    (block(), block(), block(), any_place()).prop_map(|(claims, quote, collateral, place)| Proof {
        claims,
        quote,
        collateral,
        place,
    })
}

fn any_frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        (any::<[u8; 32]>(), any::<bool>()).prop_map(|(nonce, offers_caller)| Frame::Hello(Hello {
            nonce,
            offers_caller
        })),
        (any::<[u8; 32]>(), any_proof()).prop_map(|(caller_nonce, proof)| Frame::Evidence(
            Evidence {
                caller_nonce,
                proof
            }
        )),
        any_proof().prop_map(Frame::CallerEvidence),
        Just(Frame::Confirm),
        proptest::sample::select(Reason::ALL.to_vec()).prop_map(Frame::Refuse),
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(frame in any_frame()) {
        prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(
        frame in any_frame(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        keep in any::<bool>(),
    ) {
        let mut bytes = frame.encode();
        for (at, mask) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        if !keep {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(read) = Frame::decode(&bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }

    #[test]
    fn arbitrary_payloads_of_every_kind_are_refused_or_read_whole(
        kind in proptest::sample::select(Kind::ALL.to_vec()),
        payload in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut bytes = b"EVAT\x01".to_vec();
        bytes.push(kind.byte());
        bytes.extend((payload.len() as u32).to_be_bytes());
        bytes.extend(&payload);
        if let Ok(read) = Frame::decode(&bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }

    #[test]
    fn a_header_never_asks_for_more_than_the_limit(bytes in any::<[u8; HEADER_LENGTH]>()) {
        if let Ok(header) = Header::parse(&bytes) {
            prop_assert!(header.payload_length() <= MAX_PAYLOAD);
        }
    }
}

fn proof(claims: usize, quote: usize, collateral: usize) -> Proof {
    Proof {
        claims: vec![1; claims],
        quote: vec![2; quote],
        collateral: vec![3; collateral],
        place: Place {
            index: 0,
            size: 1,
            root: Hash([4; 32]),
            path: Vec::new(),
        },
    }
}

#[test]
fn every_cut_and_every_byte_behind_a_frame_is_refused() {
    for frame in [
        Frame::Hello(Hello {
            nonce: [7; 32],
            offers_caller: true,
        }),
        Frame::CallerEvidence(proof(5, 6, 7)),
        Frame::Confirm,
        Frame::Refuse(Reason::Busy),
    ] {
        let bytes = frame.encode();
        for length in 0..bytes.len() {
            assert!(
                Frame::decode(&bytes[..length]).is_err(),
                "{length} of {frame:?}"
            );
        }
        assert_eq!(
            Frame::decode(&[&bytes[..], &[0]].concat()),
            Err(FrameError::Fields)
        );
    }
}

#[test]
fn the_bounds_of_lengths_hold_at_both_ends() {
    let read = |proof: Proof| Frame::decode(&Frame::CallerEvidence(proof).encode()).map(|_| ());
    assert_eq!(read(proof(16 << 10, 1, 1)), Ok(()));
    assert_eq!(read(proof((16 << 10) + 1, 1, 1)), Err(FrameError::Value));
    assert_eq!(read(proof(1, 16 << 10, 1)), Ok(()));
    assert_eq!(read(proof(1, (16 << 10) + 1, 1)), Err(FrameError::Value));
    assert_eq!(read(proof(1, 1, 48 << 10)), Ok(()));
    assert_eq!(read(proof(1, 1, (48 << 10) + 1)), Err(FrameError::Value));
    assert_eq!(read(proof(0, 1, 1)), Err(FrameError::Value));
    // Twelve bytes of lengths, 41 of the place, then the limit of the whole payload.
    let rest = MAX_PAYLOAD - 12 - 41 - (16 << 10);
    assert_eq!(read(proof(16 << 10, rest - (40 << 10), 40 << 10)), Ok(()));
    let over = (MAX_PAYLOAD + 1) as u32;
    assert_eq!(
        read(proof(16 << 10, rest + 1 - (40 << 10), 40 << 10)),
        Err(FrameError::Length(over))
    );
}

#[test]
fn an_http2_client_preface_is_cut_at_its_first_bytes() {
    let mut header = [0; HEADER_LENGTH];
    header.copy_from_slice(&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..HEADER_LENGTH]);
    assert_eq!(Header::parse(&header), Err(FrameError::Magic));
}

#[test]
fn both_roles_agree_without_and_with_evidence_of_the_caller() {
    for offers in [false, true] {
        let (hello, client) = AwaitEvidence::start([1; 32], offers);
        let (heard, server) = AwaitHello::default().receive(hello).unwrap();
        assert_eq!(
            heard,
            Hello {
                nonce: [1; 32],
                offers_caller: offers
            }
        );
        let (frame, server) = server.evidence([2; 32], proof(1, 2, 3));
        let (evidence, client) = client.receive(frame).unwrap();
        assert_eq!(
            (evidence.caller_nonce, evidence.proof),
            ([2; 32], proof(1, 2, 3))
        );
        let caller = offers.then(|| proof(4, 5, 6));
        let (frame, client) = client.accept(caller.clone()).unwrap();
        let (heard, server) = server.receive(frame).unwrap();
        assert_eq!(heard, caller);
        let (frame, _agreed) = server.confirm();
        client.receive(frame).unwrap();
    }
}

#[test]
fn caller_evidence_comes_exactly_if_it_was_offered() {
    for offers in [false, true] {
        let (hello, _) = AwaitEvidence::start([1; 32], offers);
        let (_, server) = AwaitHello::default().receive(hello).unwrap();
        let (frame, server) = server.evidence([2; 32], proof(1, 2, 3));
        let wrong = if offers {
            Frame::Confirm
        } else {
            Frame::CallerEvidence(proof(1, 1, 1))
        };
        let kind = wrong.kind();
        assert_eq!(
            server.receive(wrong).unwrap_err(),
            OutOfTurn::Unexpected(kind)
        );
        let (_, client) = AwaitEvidence::start([1; 32], offers)
            .1
            .receive(frame)
            .unwrap();
        assert_eq!(client.offers_caller(), offers);
        assert!(client.accept((!offers).then(|| proof(1, 1, 1))).is_none());
    }
}

#[test]
fn any_other_frame_at_any_step_is_out_of_turn_and_a_refusal_is_told_apart() {
    let frames = || {
        [
            Frame::Hello(Hello {
                nonce: [0; 32],
                offers_caller: false,
            }),
            Frame::Evidence(Evidence {
                caller_nonce: [0; 32],
                proof: proof(1, 1, 1),
            }),
            Frame::CallerEvidence(proof(1, 1, 1)),
            Frame::Confirm,
        ]
    };
    let verdict = |frame: &Frame| {
        let (hello, _) = AwaitEvidence::start([1; 32], false);
        let (_, server) = AwaitHello::default().receive(hello).unwrap();
        server
            .evidence([2; 32], proof(1, 1, 1))
            .1
            .receive(frame.clone())
            .map(|_| ())
    };
    let confirm = |frame: &Frame| {
        let (_, client) = AwaitEvidence::start([1; 32], false);
        let (_, client) = client.receive(frames()[1].clone()).unwrap();
        client
            .accept(None)
            .unwrap()
            .1
            .receive(frame.clone())
            .map(|_| ())
    };
    let hello = |frame: &Frame| AwaitHello::default().receive(frame.clone()).map(|_| ());
    let evidence = |frame: &Frame| {
        AwaitEvidence::start([1; 32], false)
            .1
            .receive(frame.clone())
            .map(|_| ())
    };
    type Step<'a> = (Kind, &'a dyn Fn(&Frame) -> Result<(), OutOfTurn>);
    let steps: [Step<'_>; 4] = [
        (Kind::Hello, &hello),
        (Kind::Evidence, &evidence),
        (Kind::Confirm, &verdict),
        (Kind::Confirm, &confirm),
    ];
    for (next, step) in steps {
        for frame in frames() {
            let expected = if frame.kind() == next {
                Ok(())
            } else {
                Err(OutOfTurn::Unexpected(frame.kind()))
            };
            assert_eq!(step(&frame), expected, "{next:?} is next");
        }
        let refused = Err(OutOfTurn::Refused(Reason::Busy));
        assert_eq!(step(&Frame::Refuse(Reason::Busy)), refused);
    }
}
