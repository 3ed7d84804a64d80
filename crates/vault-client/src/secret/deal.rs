//! From a secret to the blobs of one generation, and back.

use super::blob::{self, Parts, ShareMetadata};
use super::body;
use super::layout::{KEY, Layout};
use super::owner::OwnerKey;
use super::payload;
use super::record::Member;
use crate::error::{Error, ErrorCode, Result};
use vault_shamir::ShamirError;
use zeroize::Zeroizing;

/// One blob for each place, in their order.
pub(super) fn deal(
    owner: &OwnerKey,
    secret: &[u8],
    metadata: &ShareMetadata,
    places: &[Member],
) -> Result<Vec<Zeroizing<Vec<u8>>>> {
    let layout = Layout::for_secret(secret.len()).ok_or_else(|| unfit(secret.len()))?;
    let key = Zeroizing::new(crate::client::random::<KEY>()?);
    let shared = if layout.body == 0 { secret } else { &key[..] };
    let payload = payload::encode(shared, layout.y)?;
    let shares = split(&payload, metadata.threshold, &coordinates(places.len())?)?;
    let pairs = places.iter().zip(shares);
    pairs
        .map(|(place, share)| {
            let body = match layout.body {
                0 => Vec::new(),
                len => body::seal_for(&key, share.x, secret, len)?,
            };
            blob::seal_share(owner, place, metadata, (share.x, &share.y, &body))
        })
        .collect()
}

/// The secret in these parts, if they are shares of one generation and enough.
pub(super) fn gather(parts: &[Parts<'_>]) -> Option<Zeroizing<Vec<u8>>> {
    let points: Vec<_> = parts.iter().map(|part| (part.x, part.y)).collect();
    let payload = vault_shamir::interpolate(&points, 0).ok()?;
    let shared = payload::decode(&payload)?;
    let first = parts.first()?;
    if first.body.is_empty() {
        return Some(shared);
    }
    let key = shared.as_slice().try_into().ok()?;
    let mut secrets = parts.iter().map(|part| body::open(key, part.x, part.body));
    secrets.find_map(|secret| secret)
}

fn split(payload: &[u8], threshold: u8, xs: &[u8]) -> Result<Vec<vault_shamir::Share>> {
    let mut filled = true;
    let mut fill = |out: &mut [u8]| filled &= aws_lc_rs::rand::fill(out).is_ok();
    let shares = vault_shamir::split(payload, threshold, xs, &mut fill);
    if !filled {
        return Err(Error::new(ErrorCode::Internal).detail("no randomness"));
    }
    shares.map_err(|error| invalid(&error))
}

/// Uniform among all lists of distinct coordinates, none of them zero.
fn coordinates(count: usize) -> Result<Vec<u8>> {
    if count > 255 {
        return Err(Error::new(ErrorCode::InvalidArgument).detail("at most 255 vaults"));
    }
    let mut xs = Vec::with_capacity(count);
    while xs.len() < count {
        let [x] = crate::client::random()?;
        if x != 0 && !xs.contains(&x) {
            xs.push(x);
        }
    }
    Ok(xs)
}

fn invalid(error: &ShamirError) -> Error {
    Error::new(ErrorCode::InvalidArgument).detail(error)
}

fn unfit(len: usize) -> Error {
    match len {
        0 => Error::new(ErrorCode::InvalidArgument).detail("the secret is empty"),
        _ => Error::new(ErrorCode::TooLarge).detail("a secret has at most 982940 bytes"),
    }
}
