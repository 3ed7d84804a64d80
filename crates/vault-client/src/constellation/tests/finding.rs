//! Members are found where they are, whatever is said of them.

use super::*;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_member_is_found_where_any_registry_says() {
    let network = Network::default();
    network.put("a:1", At::Vault(1));
    let books = vec![Book::says("r1", &[]), Book::says("r2", &[(1, "a:1")])];
    let source = books[1].source();
    let directory = network.directory(1, &[], books);
    let line = directory.client(&vault(1)).await.unwrap();
    assert_eq!(line.endpoint, "a:1");
    assert_eq!(directory.found_at(&vault(1)).await.unwrap().source, source);
    assert_eq!(directory.client(&vault(1)).await.unwrap(), line);
    assert_eq!(network.dials(), ["a:1"], "the connection is kept");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_endpoint_is_refused_by_name_and_the_next_is_tried() {
    let network = Network::default();
    network.put("a:1", At::Vault(1)).put("b:2", At::Vault(2));
    let books = vec![
        Book::says("r1", &[(1, "b:2"), (2, "a:1")]),
        Book::says("r2", &[(1, "a:1"), (2, "b:2")]),
    ];
    let directory = network.directory(2, &[], books);
    for number in [1, 2] {
        let line = directory.client(&vault(number)).await.unwrap();
        assert_eq!(line.vault, vault(number));
    }
    let refused = directory.refused();
    assert_eq!(refused.len(), 2);
    for one in refused {
        assert_eq!(one.error.code, ErrorCode::AttestationRefused);
        assert_eq!(one.error.vault_id, Some(one.hint.vault_id));
        let text = one.error.message();
        for named in [
            &one.hint.vault_id.to_string()[..],
            &one.hint.endpoint,
            "registry r1",
        ] {
            assert!(text.contains(named), "{named} in {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn swapped_endpoints_alone_lead_to_a_refusal_and_never_to_the_wrong_vault() {
    let network = Network::default();
    network.put("a:1", At::Vault(1)).put("b:2", At::Vault(2));
    let books = vec![Book::says("r1", &[(1, "b:2"), (2, "a:1")])];
    let directory = network.directory(2, &[], books);
    for number in [1, 2] {
        let error = directory.client(&vault(number)).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::AttestationRefused);
        assert_eq!(error.vault_id, Some(vault(number)));
    }
}

#[tokio::test(start_paused = true)]
async fn evidence_against_an_endpoint_outweighs_one_that_is_down() {
    let network = Network::default();
    network.put("b:2", At::Vault(2));
    let books = vec![Book::says("r1", &[(1, "down:1"), (1, "b:2")])];
    let directory = network.directory(2, &[], books);
    let error = directory.client(&vault(1)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AttestationRefused);
    let text = error.message();
    assert!(text.contains("down:1") && text.contains("b:2"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_silent_delays_nothing_that_answers() {
    let network = Network::default();
    network.put("hole:1", At::Silence).put("a:1", At::Vault(1));
    let books = vec![
        Book::silent("r1"),
        Book::says("r2", &[(1, "hole:1"), (1, "a:1")]),
    ];
    let fixed = [(vault(1), "hole:1".to_owned())];
    let directory = network.directory(1, &fixed, books);
    let begun = Instant::now();
    assert_eq!(directory.client(&vault(1)).await.unwrap().endpoint, "a:1");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_search_ends_with_its_deadline() {
    let network = Network::default();
    network.put("hole:1", At::Silence);
    let directory = network.directory(1, &[], vec![Book::says("r1", &[(1, "hole:1")])]);
    let begun = Instant::now();
    let error = directory.client(&vault(1)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Timeout);
    assert_eq!(error.vault_id, Some(vault(1)));
    assert_eq!(begun.elapsed(), TIMEOUT);
    assert!(error.message().contains("hole:1"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_moved_is_looked_for_anew() {
    let network = Network::default();
    network.put("old:1", At::Vault(1));
    let books = vec![Book::says("r1", &[(1, "old:1"), (1, "new:1")])];
    let directory = network.directory(1, &[], books);
    assert_eq!(directory.client(&vault(1)).await.unwrap().endpoint, "old:1");
    network.remove("old:1");
    network.put("new:1", At::Vault(1));
    assert_eq!(directory.client(&vault(1)).await.unwrap().endpoint, "new:1");
    let refused = directory.refused();
    let said: Vec<_> = refused.iter().map(|one| one.hint.source.clone()).collect();
    assert_eq!(
        said,
        [Source::Registry("r1".into())],
        "who named it, not who used it"
    );
}

#[tokio::test(start_paused = true)]
async fn members_that_no_registry_knows_are_missing_and_silent_registries_are_named() {
    let network = Network::default();
    let books = vec![
        Book::says("r1", &[(1, "a:1"), (7, "stranger:7")]),
        Book::says("r2", &[(1, "a:1"), (2, "b:2")]),
        Book::silent("r3"),
    ];
    let announced = network.directory(3, &[], books).announced().await;
    assert_eq!(announced.missing, [vault(3)]);
    assert_eq!(announced.hints.len(), 3, "{:?}", announced.hints);
    assert_eq!(announced.failures.len(), 1);
    assert_eq!(announced.failures[0].0, "r3");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_in_the_manifest_is_never_dialled() {
    let network = Network::default();
    network.put("x:7", At::Vault(7));
    let directory = network.directory(2, &[], vec![Book::says("r1", &[(7, "x:7")])]);
    let error = directory.client(&vault(7)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(network.dials().is_empty());
}
