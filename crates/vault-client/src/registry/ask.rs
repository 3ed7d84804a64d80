//! One registry's list, within bounds of time, size and number.

use super::ListedVault;
use crate::error::{Error, ErrorCode, Result};
use connectrpc::ConnectError;
use connectrpc::client::{CallOptions, ClientConfig, HttpClient};
use http::Uri;
use std::collections::BTreeMap;
use std::time::Duration;
use vault_policy::{Measurement, PlatformId, UnixSeconds, VaultId};
use vault_proto::v1::{self, RegistryServiceClient};

/// Entries that are taken of one registry.
const MOST_ENTRIES: usize = 4096;
/// Entries on one page.
const PAGE: u32 = 500;
/// Pages that one list may have: twice as many as full ones need.
const MOST_PAGES: usize = 2 * MOST_ENTRIES / PAGE as usize;
/// Longest answer, for [`PAGE`] entries of about 400 bytes.
const ANSWER: usize = 256 << 10;
/// Memory that the elements of one answer may take.
const ELEMENTS: usize = 1 << 20;
/// Endpoints of one vault that are taken of one registry: more would only cost dials.
const MOST_ENDPOINTS: usize = 4;
/// Longest token of a page that is sent back.
const TOKEN: usize = 512;
/// Longest endpoint.
const ENDPOINT: usize = 262;

/// All that `registry` lists, within the bounds.
pub(super) async fn list(registry: &str, timeout: Duration) -> Result<Vec<ListedVault>> {
    let base = base(registry)?;
    let config = ClientConfig::new(base)
        .with_default_max_message_size(ANSWER)
        .with_default_element_memory_limit(ELEMENTS);
    let client = RegistryServiceClient::new(HttpClient::plaintext(), config);
    match tokio::time::timeout(timeout, pages(registry, &client)).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::new(ErrorCode::Timeout).summary("it did not answer in time")),
    }
}

/// The task that asked did not end.
pub(super) fn broken() -> Error {
    Error::new(ErrorCode::Internal).detail("a registry could not be asked")
}

fn base(registry: &str) -> Result<Uri> {
    let wrong = |problem: &str| {
        let detail = format!("registry {registry:?}: {problem}");
        Error::new(ErrorCode::ConfigInvalid).detail(detail)
    };
    let uri: Uri = registry.parse().map_err(|_| wrong("not an address"))?;
    let fine = uri.scheme_str() == Some("http")
        && uri.host().is_some_and(|host| !host.is_empty())
        && matches!(uri.path(), "" | "/")
        && uri.query().is_none();
    match fine {
        true => Ok(uri),
        false => Err(wrong("must be http://host:port")),
    }
}

async fn pages(
    registry: &str,
    client: &RegistryServiceClient<HttpClient>,
) -> Result<Vec<ListedVault>> {
    let (mut entries, mut seen, mut token) = (Vec::new(), BTreeMap::new(), String::new());
    for _ in 0..MOST_PAGES {
        let request = v1::ListVaultsRequest {
            page_size: PAGE,
            page_token: token,
            ..Default::default()
        };
        let answer = client
            .list_vaults_with_options(request, CallOptions::default())
            .await
            .map_err(|error| failed(&error))?
            .into_owned();
        for entry in answer.vaults.iter().take(PAGE as usize) {
            let listed = parse(registry, entry)?;
            let of_vault = seen.entry(listed.vault_id).or_insert(0);
            if entries.len() < MOST_ENTRIES && *of_vault < MOST_ENDPOINTS {
                *of_vault += 1;
                entries.push(listed);
            }
        }
        token = answer.next_page_token;
        if token.is_empty() || entries.len() >= MOST_ENTRIES {
            return Ok(entries);
        }
        if token.len() > TOKEN {
            return Err(senseless());
        }
    }
    Ok(entries)
}

/// As what a registry lists is taken, for the fuzzer.
#[cfg(feature = "fuzzing")]
pub fn listed(entry: &v1::VaultEntry) -> Option<ListedVault> {
    parse("http://registry.test:1", entry).ok()
}

fn parse(registry: &str, entry: &v1::VaultEntry) -> Result<ListedVault> {
    let hash = |bytes: &[u8]| vault_proto::hash("entry", bytes).map_err(|_| senseless());
    if !is_endpoint(&entry.endpoint) {
        return Err(senseless());
    }
    Ok(ListedVault {
        endpoint: entry.endpoint.clone(),
        vault_id: VaultId(hash(&entry.vault_id)?),
        measurement: Measurement(hash(&entry.measurement)?),
        platform_id: PlatformId(hash(&entry.platform_id)?),
        expires_at: UnixSeconds(entry.expires_at),
        registry: registry.to_owned(),
    })
}

/// What may be dialled, and shown on a terminal.
fn is_endpoint(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let port = text.rsplit_once(':').map(|(_, port)| port);
    text.len() <= ENDPOINT
        && text.bytes().all(fine)
        && port.is_some_and(|port| port.parse::<u16>().is_ok())
}

fn senseless() -> Error {
    Error::new(ErrorCode::Unavailable).summary("its answer makes no sense")
}

/// What the registry wrote stays out of it; which one it is, whoever lists failures says.
fn failed(error: &ConnectError) -> Error {
    Error::new(ErrorCode::Unavailable)
        .summary("it does not answer")
        .detail(error.code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_of_registries_are_asked() {
        for fine in [
            "http://127.0.0.1:7400",
            "http://registry.example.com/",
            "http://[::1]:1",
        ] {
            assert!(base(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "",
            "https://a:1",
            "a:1",
            "http://",
            "http://a/b",
            "http://a?b",
            "file:///a",
        ] {
            let code = base(wrong).map_err(|error| error.code);
            assert_eq!(code, Err(ErrorCode::ConfigInvalid), "{wrong}");
        }
    }

    #[test]
    fn an_entry_that_makes_no_sense_is_refused() {
        let good = v1::VaultEntry {
            endpoint: "127.0.0.1:1".into(),
            vault_id: vec![1; 32],
            measurement: vec![2; 32],
            platform_id: vec![3; 32],
            ..Default::default()
        };
        assert!(parse("r", &good).is_ok());
        let spoil = |change: fn(&mut v1::VaultEntry)| {
            let mut entry = good.clone();
            change(&mut entry);
            parse("r", &entry).unwrap_err().code
        };
        for wrong in [
            spoil(|entry| entry.endpoint.clear()),
            spoil(|entry| entry.endpoint = "no-port".into()),
            spoil(|entry| entry.endpoint = "\u{1b}[2J:1".into()),
            spoil(|entry| entry.endpoint = format!("{}:1", "a".repeat(ENDPOINT))),
            spoil(|entry| entry.vault_id.truncate(31)),
            spoil(|entry| entry.measurement.clear()),
            spoil(|entry| entry.platform_id.push(0)),
        ] {
            assert_eq!(wrong, ErrorCode::Unavailable);
        }
    }
}
