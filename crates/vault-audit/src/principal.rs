//! Who a call was proven to come from.

use crate::writer::Writer;
use std::collections::BTreeMap;
use vault_encoding::text::{hex, unhex};
use vault_encoding::{Canonical, Hash};

/// The members of the runtime measurements of a trust domain.
const RTMRS: [&str; 4] = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"];

/// One proven principal. A caller can be several at once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Principal {
    /// The subject of an access token.
    Oidc {
        /// `iss`, byte for byte.
        issuer: String,
        /// `sub`, byte for byte.
        subject: String,
    },
    /// An enclave with appraised evidence.
    Enclave {
        /// MRENCLAVE.
        measurement: Hash,
        /// The machine.
        platform: Hash,
    },
    /// A TLS client certificate, where nothing else is proven.
    Certificate {
        /// SHA-256 of its SubjectPublicKeyInfo.
        spki: Hash,
    },
    /// A trust domain with appraised evidence.
    Td {
        /// MRTD.
        mrtd: [u8; 48],
        /// The machine.
        platform: Hash,
        /// RTMR0 to RTMR3.
        rtmrs: Box<[[u8; 48]; 4]>,
    },
}

impl Principal {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.object(|writer| match self {
            Self::Oidc { issuer, subject } => {
                writer.text("issuer", issuer);
                writer.text("kind", "oidc");
                writer.text("subject", subject);
            }
            Self::Enclave {
                measurement,
                platform,
            } => {
                writer.text("kind", "enclave");
                writer.optional_hash("measurement", Some(measurement));
                writer.optional_hash("platform", Some(platform));
            }
            Self::Certificate { spki } => {
                writer.text("kind", "certificate");
                writer.optional_hash("spki", Some(spki));
            }
            Self::Td {
                mrtd,
                platform,
                rtmrs,
            } => {
                writer.text("kind", "td");
                writer.text("mrtd", &hex(mrtd));
                writer.optional_hash("platform", Some(platform));
                for (name, rtmr) in RTMRS.iter().zip(rtmrs.iter()) {
                    writer.text(name, &hex(rtmr));
                }
            }
        });
    }

    /// `None` for any other members than those of its kind.
    pub(crate) fn from_canonical(value: Canonical) -> Option<Self> {
        let Canonical::Map(mut members) = value else {
            return None;
        };
        let principal = match text(&mut members, "kind")?.as_str() {
            "oidc" => Self::Oidc {
                issuer: text(&mut members, "issuer")?,
                subject: text(&mut members, "subject")?,
            },
            "enclave" => Self::Enclave {
                measurement: Hash::from_hex(&text(&mut members, "measurement")?)?,
                platform: Hash::from_hex(&text(&mut members, "platform")?)?,
            },
            "certificate" => Self::Certificate {
                spki: Hash::from_hex(&text(&mut members, "spki")?)?,
            },
            "td" => Self::Td {
                mrtd: unhex(&text(&mut members, "mrtd")?)?,
                platform: Hash::from_hex(&text(&mut members, "platform")?)?,
                rtmrs: Box::new(rtmrs(&mut members)?),
            },
            _ => return None,
        };
        members.is_empty().then_some(principal)
    }
}

fn rtmrs(members: &mut BTreeMap<String, Canonical>) -> Option<[[u8; 48]; 4]> {
    let mut read = [[0; 48]; 4];
    for (rtmr, name) in read.iter_mut().zip(RTMRS) {
        *rtmr = unhex(&text(members, name)?)?;
    }
    Some(read)
}

fn text(members: &mut BTreeMap<String, Canonical>, name: &str) -> Option<String> {
    match members.remove(name)? {
        Canonical::Text(text) => Some(text),
        Canonical::List(_) | Canonical::Map(_) => None,
    }
}
