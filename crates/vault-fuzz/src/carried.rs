//! Heads on their way between vaults: the messages that bring them, and the shares of those who carry them. A vault tells
//! nothing that was not brought, the largest head stays, and a contradiction stays for ever.

use crate::golden::{ISSUER, Owned, change};
use crate::seeds::of;
use buffa::{Message, MessageField};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use vault_audit::Checkpoint;
use vault_core::authn::token::TokenProof;
use vault_core::{Caller, CarriedHead, CarriedHeads, CheckpointSigner, Code, HEADS_PER_CALL};
use vault_encoding::Hash;
use vault_policy::{SenderConstraint, TokenFacts, UnixSeconds};
use vault_proto::v1;
use vault_server::fuzzing::{exchange, head_seen};

const VAULTS: u8 = 4;
/// Sizes and roots of each, in one number.
const HEADS: u8 = 32;
/// More callers than this have no place at once.
const PLACES: usize = 128;

/// By vault and by number: half as many sizes, of each two that contradict each other.
static NOTES: LazyLock<Vec<Vec<CarriedHead>>> = LazyLock::new(|| {
    let heads_of = |vault: u8| {
        let owned = Owned::of(&[vault + 1; 32]);
        let head = |number| CarriedHead::verify(&owned.key.to_spki(), &note(&owned, number));
        (0..HEADS).map(|number| head(number).expect("a note")).collect()
    };
    (0..VAULTS).map(heads_of).collect()
});

/// Subjects of three issuers.
static CALLERS: LazyLock<Vec<Caller>> = LazyLock::new(|| (0..=255).map(caller).collect());

/// Its root has the number in each byte.
fn size(number: u8) -> u64 {
    1 + u64::from(number / 2)
}

fn note(owned: &Owned, number: u8) -> Vec<u8> {
    let checkpoint = Checkpoint {
        vault_id: owned.key.vault_id(),
        size: size(number),
        root: Hash([number; 32]),
    };
    checkpoint.sign(&owned.key, |text| owned.signer.sign(text).expect("a key"))
}

fn caller(number: u8) -> Caller {
    let facts = TokenFacts {
        issuer: format!("{ISSUER}/{}", number % 3),
        subject: number.to_string(),
        roles: BTreeSet::new(),
        expires_at: UnixSeconds(1_800_003_600),
        constraint: SenderConstraint::Dpop,
    };
    Caller::new(Some(TokenProof::assertion(facts)), None).expect("a caller")
}

/// One input: which message, or what is carried by whom.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    match mode % 4 {
        0 => asked(body),
        1 => {
            let mut message = message();
            change(&mut message, body);
            asked(&message);
        }
        2 => {
            if let Some(Err(refusal)) = head_seen(body) {
                assert_eq!(refusal.code, Code::InvalidArgument);
            }
        }
        _ => carry(body),
    }
}

fn asked(bytes: &[u8]) {
    match exchange(bytes) {
        Some(Ok((about, heads))) => {
            assert!(about.len().max(heads.len()) <= HEADS_PER_CALL);
            for head in heads {
                let again = CarriedHead::verify(&head.identity_key(), head.note());
                assert_eq!(again.ok(), Some(head));
            }
        }
        Some(Err(refusal)) => assert_eq!(refusal.code, Code::InvalidArgument),
        None => {}
    }
}

/// What is known to be held.
#[derive(Default)]
struct Brought {
    /// Of one caller and vault.
    largest: BTreeMap<(u8, usize), u8>,
    callers: BTreeSet<u8>,
    contradicted: BTreeSet<usize>,
    notes: BTreeSet<(usize, u8)>,
}

impl Brought {
    /// A caller's largest head stays while there is a place for everybody, so what contradicts it is seen.
    fn add(&mut self, who: u8, vault: usize, number: u8) {
        self.callers.insert(who);
        self.notes.insert((vault, number));
        let largest = self.largest.entry((who, vault)).or_insert(number);
        if self.callers.len() <= PLACES && size(*largest) == size(number) && *largest != number {
            self.contradicted.insert(vault);
        }
        if size(number) > size(*largest) {
            *largest = number;
        }
    }

    /// The largest size of this vault's log, where nobody had to make room.
    fn size(&self, vault: usize) -> Option<u64> {
        let of_vault = self.largest.iter().filter(|((_, of), _)| *of == vault);
        let sizes = of_vault.map(|(_, number)| size(*number));
        sizes.max().filter(|_| self.callers.len() <= PLACES)
    }

    fn has(&self, vault: usize, head: &CarriedHead) -> bool {
        self.notes.contains(&(vault, head.head().root.0[0]))
    }
}

/// Every three bytes are who brings, of which vault, and which head of it; a high bit brings another head with it.
fn carry(body: &[u8]) {
    let (mut carried, mut brought) = (CarriedHeads::default(), Brought::default());
    for step in body.chunks_exact(3).take(512) {
        let (who, vault) = (step[0], usize::from(step[1] % VAULTS));
        let second = (step[2] >= 128).then_some(step[1] / VAULTS % HEADS);
        let numbers = [step[2] % HEADS].into_iter().chain(second);
        numbers.clone().for_each(|number| brought.add(who, vault, number));
        let heads = numbers.map(|number| NOTES[vault][usize::from(number)].clone());
        let caller = &CALLERS[usize::from(who)];
        carried.take(caller, heads);
        let other = &NOTES[vault][usize::from(who % HEADS)];
        assert!(!carried.holds(caller, other.note()) || brought.has(vault, other), "made up");
    }
    let pick = body.iter().map(|byte| u64::from(*byte)).sum();
    for vault in 0..NOTES.len() {
        told(&carried, &brought, vault, pick);
    }
}

/// What a vault tells of another one.
fn told(carried: &CarriedHeads, brought: &Brought, vault: usize, pick: u64) {
    let [first, ..] = &NOTES[vault][..] else {
        return;
    };
    let told = carried.about(&first.vault_id(), pick);
    assert!(told.len() <= 4);
    assert!(told.iter().all(|head| head.vault_id() == first.vault_id()));
    assert!(told.iter().all(|head| brought.has(vault, head)), "made up");
    let names: BTreeSet<_> = told.iter().map(|head| (head.head().size, head.head().root)).collect();
    assert_eq!(names.len(), told.len(), "told twice");
    let sizes: BTreeSet<_> = names.iter().map(|(size, _)| *size).collect();
    assert!(!brought.contradicted.contains(&vault) || sizes.len() < names.len(), "a fork is lost");
    if let Some(size) = brought.size(vault) {
        assert!(sizes.contains(&size), "the largest is lost");
    }
}

/// A message with two heads, about two vaults.
fn message() -> Vec<u8> {
    let heads = [&NOTES[0][0], &NOTES[1][3]];
    let about = heads.map(|head| head.vault_id().0.0.to_vec());
    let heads = heads.map(|head| v1::CarriedHead {
        identity_key: head.identity_key(),
        checkpoint: head.note().to_vec(),
        ..Default::default()
    });
    let message = v1::ExchangeHeadsRequest {
        heads: heads.to_vec(),
        about: about.to_vec(),
        ..Default::default()
    };
    message.encode_to_vec()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seen = v1::SeenHead {
        vault_id: vec![5; 32],
        size: 3,
        root: vec![6; 32],
        ..Default::default()
    };
    let info = v1::GetInfoRequest {
        seen: MessageField::some(seen),
        ..Default::default()
    };
    // Two that contradict each other by one caller; a small one behind a large one; all callers in turn.
    let everybody = (0..=255).flat_map(|who| [who, who, who ^ 0x81]);
    vec![
        of(0, message()),
        of(1, [0, 80, 1]),
        of(2, info.encode_to_vec()),
        of(3, [1, 0, 4, 1, 0, 5]),
        of(3, [1, 0, 9, 2, 0, 2, 2, 7, 130]),
        of(3, everybody.collect::<Vec<u8>>()),
    ]
}
