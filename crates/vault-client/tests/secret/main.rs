//! Secrets split over vaults that are doubles in memory: what they keep can be altered, they can
//! be down, and everything can stop between any two steps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod blame;
mod copies;
mod crash;
mod files;
mod recover;
mod refresh;
mod split;
mod support;
mod unlinkable;
mod vectors;
