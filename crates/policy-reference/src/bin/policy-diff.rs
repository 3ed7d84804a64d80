//! `policy-diff CASES [FIRST [KIND] [brief]]`: exits with 1 at the first disagreement of the two
//! implementations. CASES decisions and a share of the other kinds, or one KIND alone, from the
//! seed FIRST on, on every processor; with `brief` a disagreement is told by its seed alone.

use policy_reference::compare::{CHANGES, DECISIONS, LOCKOUTS, SEQUENCES, SHAPES, SIMULATIONS};
use std::process::ExitCode;
use std::time::Instant;

/// What takes longer than a decision is judged for one in so many.
const CHANGE: u64 = 2;
const SHAPE: u64 = 12;
const LOCKOUT: u64 = 12;
const SEQUENCE: u64 = 48;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |index| words.get(index).and_then(|word: &String| word.parse().ok());
    let (cases, first) = (number(0).unwrap_or(10_000), number(1).unwrap_or(0));
    let rest = words.get(2..).unwrap_or_default();
    let brief = rest.iter().any(|word| word == "brief");
    let only = rest.iter().find(|word| *word != "brief");
    for (kind, share) in [
        (DECISIONS, 1),
        (CHANGES, CHANGE),
        (SHAPES, SHAPE),
        (SIMULATIONS, SHAPE),
        (LOCKOUTS, LOCKOUT),
        (SEQUENCES, SEQUENCE),
    ] {
        if only.is_some_and(|only| only != kind.name) {
            continue;
        }
        let start = Instant::now();
        match kind.spread(first, cases / share) {
            Ok(coverage) => {
                let name = kind.name;
                println!(
                    "{name} from seed {first}, {:?}: {coverage}",
                    start.elapsed()
                );
            }
            Err(seed) => {
                println!("seed {seed}: {}", kind.name);
                if !brief {
                    println!("{}", (kind.explain)(seed).unwrap_or_default());
                }
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
