//! What a person may write for a key.

use crate::cli::KeyArg;
use vault_client::{Client, Error, ErrorCode, KeyInfo, KeyName, Result};
use vault_policy::{KeyHandle, Lineage};

/// A key as it was named, and what is known of it without asking again.
pub(crate) struct KeyRef {
    pub(crate) name: KeyName,
    known: Option<KeyInfo>,
}

impl KeyRef {
    /// Its metadata.
    pub(crate) async fn info(&self, client: &Client) -> Result<KeyInfo> {
        match &self.known {
            Some(info) => Ok(info.clone()),
            None => Ok(client.get_key(self.name).await?.value),
        }
    }
}

/// A handle, `HANDLE@LINEAGE`, or the name of one's own key.
pub(crate) async fn resolve(client: &Client, key: &KeyArg) -> Result<KeyRef> {
    if let Some(name) = parse(&key.key) {
        return Ok(KeyRef { name, known: None });
    }
    let info = client
        .find_key(&key.key)
        .await
        .map_err(|error| match error.code {
            // Who owns no keys has none of this name.
            ErrorCode::RoleRequired => Error::new(ErrorCode::NotFound)
                .vault(client.vault_id())
                .detail(&key.key),
            _ => error,
        })?;
    let name = KeyName {
        handle: info.handle,
        lineage: Some(info.lineage),
    };
    Ok(KeyRef {
        name,
        known: Some(info),
    })
}

fn parse(text: &str) -> Option<KeyName> {
    let (handle, lineage) = match text.split_once('@') {
        Some((handle, lineage)) => (handle, Some(lineage.parse::<Lineage>().ok()?)),
        None => (text, None),
    };
    let handle = handle.parse::<KeyHandle>().ok()?;
    Some(KeyName { handle, lineage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_with_or_without_lineage_is_not_taken_for_a_name() {
        let handle = KeyHandle([3; 16]);
        let lineage = "ab".repeat(32);
        assert_eq!(parse(&handle.to_string()), Some(handle.into()));
        let full = parse(&format!("{handle}@{lineage}")).unwrap();
        assert_eq!(full.lineage.unwrap().to_string(), lineage);
        for name in ["release", "k-short", "k-a@b", ""] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
