use super::*;
use vault_encoding::Hash;

const TTL: u64 = 60;
const APPRAISAL: u64 = 200;

fn book(change: impl FnOnce(&mut LimitsConfig)) -> Book {
    let mut limits = LimitsConfig::default();
    change(&mut limits);
    Book::new(limits, TTL, APPRAISAL)
}

fn found(id: u8, platform: u8) -> Found {
    Found {
        vault_id: vault(id),
        measurement: Measurement(Hash([0xcc; 32])),
        platform_id: PlatformId(Hash([platform; 32])),
    }
}

fn vault(id: u8) -> VaultId {
    VaultId(Hash([id; 32]))
}

fn at(port: u16) -> Endpoint {
    Endpoint::parse(&format!("127.0.0.1:{port}")).unwrap()
}

fn from(last: u8) -> Source {
    Source::of(std::net::Ipv4Addr::new(10, 0, 0, last).into())
}

fn second(seconds: u64) -> UnixSeconds {
    UnixSeconds(1_000 + seconds)
}

fn listed(book: &Book, now: u64) -> Vec<(VaultId, String)> {
    let (page, more) = book.page(None, usize::MAX, second(now));
    assert!(!more);
    page.into_iter()
        .map(|entry| (entry.found.vault_id, entry.endpoint.to_string()))
        .collect()
}

#[test]
fn an_entry_is_listed_until_the_second_of_its_expiry() {
    let mut book = book(|_| ());
    let entry = book.put(at(1), found(1, 1), from(1), second(0)).unwrap();
    assert_eq!(entry.expires_at, second(TTL));
    assert_eq!(listed(&book, TTL - 1).len(), 1);
    assert_eq!(listed(&book, TTL), []);
    assert_eq!(book.beat(vault(1), &at(1), second(TTL)), Beat::Unknown);
}

#[test]
fn heartbeats_keep_an_entry_and_a_missed_one_loses_it() {
    let mut book = book(|_| ());
    book.put(at(1), found(1, 1), from(1), second(0)).unwrap();
    for now in [20, 40, 60, 119] {
        assert_eq!(book.beat(vault(1), &at(1), second(now)), Beat::Extended);
    }
    assert_eq!(listed(&book, 119 + TTL - 1).len(), 1);
    assert_eq!(
        book.beat(vault(1), &at(1), second(119 + TTL)),
        Beat::Unknown
    );
}

#[test]
fn a_heartbeat_of_an_unknown_vault_is_unknown() {
    let mut book = book(|_| ());
    assert_eq!(book.beat(vault(1), &at(1), second(0)), Beat::Unknown);
}

#[test]
fn a_heartbeat_with_another_endpoint_or_an_old_appraisal_is_dialled() {
    let mut book = book(|_| ());
    book.put(at(1), found(1, 1), from(1), second(0)).unwrap();
    assert_eq!(book.beat(vault(1), &at(2), second(1)), Beat::Elsewhere);
    assert_eq!(listed(&book, 1), [(vault(1), "127.0.0.1:1".into())]);
    for now in (50..APPRAISAL).step_by(50) {
        assert_eq!(book.beat(vault(1), &at(1), second(now)), Beat::Extended);
    }
    assert_eq!(book.beat(vault(1), &at(1), second(APPRAISAL)), Beat::Again);
    book.put(at(1), found(1, 1), from(1), second(APPRAISAL))
        .unwrap();
    assert_eq!(
        book.beat(vault(1), &at(1), second(APPRAISAL + 1)),
        Beat::Extended
    );
}

#[test]
fn an_entry_that_cannot_be_dialled_is_spared_and_not_for_ever() {
    let mut book = book(|_| ());
    book.put(at(1), found(1, 1), from(1), second(0)).unwrap();
    for now in (50..2 * APPRAISAL).step_by(50) {
        assert!(book.spare(vault(1), &at(1), second(now)), "{now}");
    }
    assert!(!book.spare(vault(1), &at(2), second(2 * APPRAISAL - 1)));
    assert!(!book.spare(vault(1), &at(1), second(2 * APPRAISAL)));
}

#[test]
fn a_source_has_one_endpoint_of_a_vault_the_one_appraised_last() {
    let mut book = book(|limits| limits.entries = 1);
    book.put(at(1), found(1, 1), from(1), second(0)).unwrap();
    book.put(at(2), found(1, 1), from(1), second(1)).unwrap();
    assert_eq!(listed(&book, 1), [(vault(1), "127.0.0.1:2".into())]);
}

#[test]
fn what_others_announce_of_a_vault_stands_beside_its_own_endpoint_and_never_in_its_place() {
    let mut book = book(|_| ());
    book.put(at(1), found(1, 1), from(1), second(0)).unwrap();
    for stranger in 2..20 {
        let put = book.put(at(stranger.into()), found(1, 1), from(stranger), second(1));
        assert_eq!(
            put.is_ok(),
            usize::from(stranger) <= ENDPOINTS,
            "{stranger}"
        );
    }
    assert_eq!(listed(&book, 1).len(), ENDPOINTS);
    assert!(listed(&book, 1).contains(&(vault(1), "127.0.0.1:1".into())));
    assert_eq!(book.beat(vault(1), &at(1), second(2)), Beat::Extended);
}

#[test]
fn a_source_that_used_its_share_displaces_nobody_and_may_renew_its_own() {
    let mut book = book(|limits| limits.entries_per_source = 2);
    for id in [1, 2] {
        book.put(at(1), found(id, id), from(1), second(0)).unwrap();
    }
    assert_eq!(book.has_room(from(1), second(1)), Err(Full));
    assert_eq!(book.put(at(1), found(3, 3), from(1), second(1)), Err(Full));
    book.put(at(9), found(2, 2), from(1), second(1)).unwrap();
    book.put(at(1), found(3, 3), from(2), second(1)).unwrap();
    assert_eq!(listed(&book, 2).len(), 3);
    assert_eq!(book.has_room(from(1), second(TTL)), Ok(()));
}

#[test]
fn a_full_book_refuses_and_drops_no_live_entry() {
    let mut book = book(|limits| limits.entries = 2);
    for id in [1, 2] {
        book.put(at(1), found(id, id), from(id), second(0)).unwrap();
    }
    let before = listed(&book, 1);
    assert_eq!(book.put(at(1), found(3, 3), from(3), second(1)), Err(Full));
    assert_eq!(listed(&book, 1), before);
    book.put(at(1), found(3, 3), from(3), second(TTL)).unwrap();
    assert_eq!(listed(&book, TTL).len(), 1);
}

#[test]
fn one_machine_has_a_share_however_many_sources_announce_it() {
    let mut book = book(|limits| limits.entries_per_platform = 2);
    for id in [1, 2] {
        book.put(at(1), found(id, 7), from(id), second(0)).unwrap();
    }
    assert_eq!(book.put(at(1), found(3, 7), from(3), second(0)), Err(Full));
    book.put(at(2), found(2, 7), from(3), second(0)).unwrap();
    book.put(at(1), found(3, 8), from(3), second(0)).unwrap();
}

#[test]
fn whoever_announces_again_neither_takes_over_nor_loses_room() {
    let mut book = book(|limits| limits.entries_per_source = 1);
    book.put(at(1), found(1, 1), from(1), second(0)).unwrap();
    book.put(at(1), found(1, 1), from(2), second(1)).unwrap();
    assert_eq!(book.has_room(from(1), second(1)), Err(Full));
    assert_eq!(book.has_room(from(2), second(1)), Ok(()));
}

#[test]
fn pages_go_through_all_entries_once_in_the_order_of_ids() {
    let mut book = book(|_| ());
    for id in [5, 1, 4, 2, 3] {
        book.put(at(1), found(id, id), from(1), second(0)).unwrap();
    }
    let (mut seen, mut after): (Vec<_>, Option<Place>) = (Vec::new(), None);
    loop {
        let (page, more) = book.page(after.take(), 2, second(1));
        seen.extend(page.iter().map(|entry| entry.found.vault_id));
        after = page
            .last()
            .map(|last| (last.found.vault_id, last.endpoint.clone()));
        if !more {
            break;
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5].map(vault));
}
