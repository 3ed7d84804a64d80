//! What one vault sees and stores tells it neither threshold, number, set nor sibling, and
//! nothing by which a secret could be guessed. Each search is shown to find what it is for.

use crate::support::{Seen, World};
use aws_lc_rs::hmac;
use std::collections::{BTreeSet, HashMap, HashSet};
use vault_client::secret::Wait;
use vault_encoding::{Domain, sha256, sha512};

/// Sharings of each kind; a 16-class chi-square over them expects 16 in each class.
const SAMPLES: usize = 256;
/// Chi-square with 15 degrees of freedom is above this once in 10^12.
const BOUND: f64 = 95.0;
/// Two strings of a few hundred random bytes have so many in common once in 10^9.
const COMMON: usize = 6;
const PINS: u32 = 10_000;

/// What each vault saw of the life of one secret.
#[derive(Clone)]
struct Trace {
    threshold: u8,
    vaults: Vec<Vec<Seen>>,
}

impl Trace {
    /// A secret is split, read and refreshed.
    async fn of(threshold: u8, vaults: usize, secret: &[u8]) -> Self {
        let world = World::new(vaults);
        world.split("pin", secret, threshold).await;
        let secrets = world.secrets();
        let read = secrets.reconstruct(&world.vaults, "pin", Wait::All).await;
        assert_eq!(read.ok().unwrap().secret.as_slice(), secret);
        secrets.refresh(&world.vaults, "pin", None).await.unwrap();
        let seen = world.vaults.iter();
        let seen = seen.map(|vault| vault.shelf.seen.lock().unwrap().clone());
        Self {
            threshold,
            vaults: seen.collect(),
        }
    }

    /// Everything that this vault was given, one string for each share.
    fn given(&self, vault: usize) -> Vec<Vec<u8>> {
        let puts = self.vaults[vault].iter().filter_map(|seen| match seen {
            Seen::Put { handle, share, .. } => Some([&handle.0[..], share].concat()),
            _ => None,
        });
        puts.collect()
    }

    /// What the vault sees without looking into any of it: kinds, lengths, order.
    fn shape(&self, vault: usize) -> Vec<(&'static str, usize, usize)> {
        let calls = self.vaults[vault].iter().map(|seen| match seen {
            Seen::Put { policy, share, .. } => ("put", policy.len(), share.len()),
            Seen::Get(_) => ("get", 0, 0),
            Seen::List => ("list", 0, 0),
            Seen::Destroy(_) => ("destroy", 0, 0),
        });
        calls.collect()
    }

    /// Changes every share that is stored, at every vault.
    fn leak(mut self, leak: impl Fn(&Self, usize, &mut Vec<u8>)) -> Self {
        let clear = self.clone();
        for (vault, seen) in self.vaults.iter_mut().enumerate() {
            for seen in seen {
                if let Seen::Put { share, .. } = seen {
                    leak(&clear, vault, share);
                }
            }
        }
        self
    }
}

/// What a search found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Finding {
    /// A byte that is not uniform.
    Position(usize),
    /// Kinds, lengths or order depend on the sharing.
    Shape,
    /// Two vaults of one set, or two shares at one vault, have something in common.
    Common,
    /// One of the candidates stands out.
    Guess(u32),
}

fn chi_square(counts: [u32; 16]) -> f64 {
    let expected = SAMPLES as f64 / 16.0;
    let square = |count: u32| (f64::from(count) - expected).powi(2) / expected;
    counts.into_iter().map(square).sum()
}

/// Bytes of the first vault's view that are not uniform over many sharings.
fn skewed(traces: &[Trace]) -> Vec<Finding> {
    let views: Vec<Vec<u8>> = traces.iter().map(|t| t.given(0).concat()).collect();
    let shortest = views.iter().map(Vec::len).min().unwrap();
    let skewed = (0..shortest).filter(|at| {
        let (mut high, mut low) = ([0; 16], [0; 16]);
        for view in &views {
            high[usize::from(view[*at] >> 4)] += 1;
            low[usize::from(view[*at] & 15)] += 1;
        }
        chi_square(high) > BOUND || chi_square(low) > BOUND
    });
    skewed.map(Finding::Position).collect()
}

fn windows(bytes: &[u8], len: usize) -> HashSet<&[u8]> {
    bytes.windows(len).collect()
}

/// Anything that two shares of one secret have in common, at two vaults or at one.
fn common(trace: &Trace) -> Vec<Finding> {
    let shares: Vec<_> = (0..trace.vaults.len())
        .flat_map(|v| trace.given(v))
        .collect();
    for (index, share) in shares.iter().enumerate() {
        let mine = windows(share, COMMON);
        let mut others = shares[index + 1..].iter();
        if others.any(|other| other.windows(COMMON).any(|part| mine.contains(part))) {
            return vec![Finding::Common];
        }
    }
    Vec::new()
}

fn shapes(traces: &[Trace]) -> Vec<Finding> {
    let shapes: BTreeSet<_> = traces.iter().map(|trace| trace.shape(0)).collect();
    (shapes.len() > 1)
        .then_some(Finding::Shape)
        .into_iter()
        .collect()
}

const DOMAINS: [Domain; 6] = [
    Domain::SharePayload,
    Domain::ShareBody,
    Domain::ShareSeal,
    Domain::ShareHandle,
    Domain::SecretSet,
    Domain::Idempotency,
];

fn first(bytes: &[u8]) -> [u8; 8] {
    bytes[..8].try_into().unwrap()
}

/// What follows from a candidate alone, and from a candidate and any other piece of the view.
fn derived(pin: &[u8], salts: &[&[u8]], keys: &[&[u8]]) -> Vec<[u8; 8]> {
    let length = u32::try_from(pin.len()).unwrap().to_be_bytes();
    let mut out = vec![first(&sha256(pin).0), first(&sha512(pin))];
    for domain in DOMAINS {
        out.push(first(&domain.hash(&[pin]).0));
        out.push(first(&domain.hash(&[&length, pin]).0));
    }
    for salt in salts {
        out.push(first(&sha256(&[salt, pin].concat()).0));
        out.push(first(&sha256(&[pin, salt].concat()).0));
        out.push(first(&Domain::SharePayload.hash(&[salt, &length, pin]).0));
    }
    let keyed = |key: &[u8], text: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        first(hmac::sign(&key, text).as_ref())
    };
    for key in keys {
        out.push(keyed(key, pin));
        out.push(keyed(pin, key));
    }
    out
}

fn pin(number: u32) -> Vec<u8> {
    format!("{number:04}").into_bytes()
}

/// Candidates for which anything in the view speaks more than for the others: themselves in
/// clear, more often than by chance, or any value that follows from them.
fn guesses(views: &[Vec<u8>]) -> Vec<Finding> {
    let mut clear: HashMap<&[u8], usize> = HashMap::new();
    for view in views {
        for window in windows(view, 4) {
            *clear.entry(window).or_default() += 1;
        }
    }
    let view = &views[0];
    let known: HashSet<_> = view.windows(8).map(first).collect();
    // What may be a salt: every 16 bytes at a multiple of four.
    let at = (0..view.len()).step_by(4);
    let salts: Vec<_> = at.filter_map(|at| view.get(at..at + 16)).collect();
    let (handle, share) = view.split_at(16);
    let keys = [handle, &share[..1], share];
    let stands_out = |number: &u32| {
        let pin = pin(*number);
        clear.get(pin.as_slice()).is_some_and(|views| *views > 1)
            || derived(&pin, &salts, &keys)
                .iter()
                .any(|value| known.contains(value))
    };
    (0..PINS).filter(stands_out).map(Finding::Guess).collect()
}

async fn many(threshold: u8, vaults: usize, secret: &[u8]) -> Vec<Trace> {
    let mut traces = Vec::new();
    for _ in 0..SAMPLES {
        traces.push(Trace::of(threshold, vaults, secret).await);
    }
    traces
}

/// All but the search for candidates.
fn findings(some: &[Trace], others: &[Trace]) -> Vec<Finding> {
    let mut found = [skewed(some), skewed(others)].concat();
    let both: Vec<_> = some.iter().chain(others).cloned().collect();
    found.extend(shapes(&both));
    found.extend(both.iter().flat_map(common).take(1));
    found
}

fn first_views(traces: &[Trace]) -> Vec<Vec<u8>> {
    traces
        .iter()
        .take(20)
        .map(|trace| trace.given(0).concat())
        .collect()
}

#[tokio::test]
async fn two_secrets_of_different_sharings_look_alike_to_one_vault_and_planted_leaks_do_not() {
    // A long secret of the same class and a short one.
    let small = many(2, 3, b"4711").await;
    let large = many(3, 5, &[0x55; 200]).await;
    assert_eq!(findings(&small, &large), []);

    let planted = |leak: &dyn Fn(&Trace, usize, &mut Vec<u8>)| {
        let apply = |traces: &[Trace]| -> Vec<Trace> {
            traces
                .iter()
                .map(|trace| trace.clone().leak(leak))
                .collect()
        };
        findings(&apply(&small), &apply(&large))
    };
    let threshold = planted(&|trace, _, share| share[290] = trace.threshold);
    assert!(threshold.contains(&Finding::Position(16 + 290)));
    let count = planted(&|trace, _, share| share[319] = trace.vaults.len() as u8);
    assert!(count.contains(&Finding::Position(16 + 319)));
    let bit = planted(&|trace, _, share| share[7] = share[7] & 0xfc | trace.threshold);
    assert!(bit.contains(&Finding::Position(16 + 7)));
    let in_order = planted(&|_, vault, share| share[0] = vault as u8 + 1);
    assert!(in_order.contains(&Finding::Position(16)));
    let length = planted(&|trace, _, share| share.truncate(300 + trace.vaults.len()));
    assert!(length.contains(&Finding::Shape));
    let padding = planted(&|_, _, share| share[100..200].fill(0));
    assert!(padding.contains(&Finding::Position(16 + 150)));
    let set_id = planted(&|trace, _, share| {
        let id = sha256(&trace.given(0)[0]);
        share[300..306].copy_from_slice(&id.0[..6]);
    });
    assert_eq!(set_id, [Finding::Common]);
    let same = planted(&|trace, _, share| share[1..].copy_from_slice(&trace.given(0)[0][17..]));
    assert_eq!(same, [Finding::Common]);
}

#[tokio::test]
async fn handles_follow_from_nothing_that_a_vault_knows() {
    // Two sets of one owner at one vault, and one set at two vaults.
    let world = World::new(2);
    world.split("a", b"4711", 2).await;
    world.split("b", b"4711", 2).await;
    let handles: BTreeSet<_> = world
        .vaults
        .iter()
        .flat_map(|v| v.shares().into_keys())
        .collect();
    assert_eq!(handles.len(), 4);
    let shares: Vec<_> = world
        .vaults
        .iter()
        .flat_map(|v| v.shares().into_values())
        .collect();
    let all: Vec<_> = shares
        .iter()
        .flat_map(|share| windows(share, COMMON))
        .collect();
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!(all.len(), distinct.len(), "two shares have bytes in common");
}

#[tokio::test]
async fn a_secret_of_four_digits_cannot_be_guessed_from_what_one_vault_holds_and_leaks_can() {
    let mut traces = Vec::new();
    for _ in 0..20 {
        traces.push(Trace::of(2, 3, b"4711").await);
    }
    assert_eq!(guesses(&first_views(&traces)), []);

    let right = [Finding::Guess(4711)];
    let planted = |leak: &dyn Fn(&mut Vec<u8>)| {
        let leak = |_: &Trace, _: usize, share: &mut Vec<u8>| leak(share);
        let traces: Vec<_> = traces
            .iter()
            .map(|trace| trace.clone().leak(leak))
            .collect();
        guesses(&first_views(&traces))
    };
    let put = |share: &mut Vec<u8>, at: usize, bytes: &[u8]| {
        share[at..at + bytes.len()].copy_from_slice(bytes);
    };
    // Beside a digit by chance, it would speak for other candidates too.
    let clear = planted(&|share| put(share, 60, b".4711."));
    assert_eq!(clear, right);
    let digest = planted(&|share| put(share, 40, &sha256(b"4711").0));
    assert_eq!(digest, right);
    let short = planted(&|share| put(share, 200, &sha256(b"4711").0[..8]));
    assert_eq!(short, right);
    // A salt helps nobody if it stands beside the digest.
    let salted = planted(&|share| {
        let digest = sha256(&[&share[8..24], b"4711"].concat());
        put(share, 24, &digest.0);
    });
    assert_eq!(salted, right);
    let payload = planted(&|share| {
        let length = 4u32.to_be_bytes();
        let digest = Domain::SharePayload.hash(&[&share[8..24], &length, b"4711"]);
        put(share, 24, &digest.0);
    });
    assert_eq!(payload, right);
}
