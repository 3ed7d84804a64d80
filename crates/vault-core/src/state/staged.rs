//! Profiles that wait to come into a policy. They authorise nothing.

use crate::api::PendingProfile;
use crate::codec::{Malformed, Reader, Writer};
use std::sync::Arc;
use vault_audit::Principal;
use vault_encoding::text::hex;
use vault_encoding::{Canonical, Domain, Hash};
use vault_policy::UnixSeconds;

/// One proposal.
#[derive(Clone)]
pub(crate) struct Staged {
    /// Of the entire profile.
    pub(crate) digest: Hash,
    /// Canonical form.
    pub(crate) profile: Arc<[u8]>,
    pub(crate) at: Option<UnixSeconds>,
    pub(crate) by: Principal,
}

const OIDC: u8 = 1;
const ENCLAVE: u8 = 2;
const CERTIFICATE: u8 = 3;
const TD: u8 = 4;

impl Staged {
    /// What names a profile.
    pub(crate) fn digest_of(profile: &[u8]) -> Hash {
        Domain::AttestationProfile.hash(&[profile])
    }

    pub(crate) fn new(profile: &[u8], at: Option<UnixSeconds>, by: Principal) -> Self {
        Self {
            digest: Self::digest_of(profile),
            profile: profile.into(),
            at,
            by,
        }
    }

    /// Profile ‖ when (1 byte, 0 or 1; then the second) ‖ who (1 byte, 1 for a token's subject: issuer,
    /// subject; 2 for an enclave: measurement, platform; 3 for a client certificate: its key's hash; 4 for a trust
    /// domain: MRTD, platform, RTMR0 to RTMR3).
    pub(crate) fn write(&self, out: &mut Writer) {
        out.bytes(&self.profile);
        out.u8(u8::from(self.at.is_some()));
        if let Some(at) = self.at {
            out.u64(at.0);
        }
        match &self.by {
            Principal::Oidc { issuer, subject } => {
                out.u8(OIDC);
                out.bytes(issuer.as_bytes());
                out.bytes(subject.as_bytes());
            }
            Principal::Enclave {
                measurement,
                platform,
            } => {
                out.u8(ENCLAVE);
                out.fixed(measurement.as_bytes());
                out.fixed(platform.as_bytes());
            }
            Principal::Certificate { spki } => {
                out.u8(CERTIFICATE);
                out.fixed(spki.as_bytes());
            }
            Principal::Td {
                mrtd,
                platform,
                rtmrs,
            } => {
                out.u8(TD);
                out.fixed(mrtd);
                out.fixed(platform.as_bytes());
                for rtmr in rtmrs.iter() {
                    out.fixed(rtmr);
                }
            }
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let profile = from.bytes()?;
        let at = match from.u8()? {
            0 => None,
            1 => Some(UnixSeconds(from.u64()?)),
            _ => return Err(Malformed),
        };
        let by = match from.u8()? {
            OIDC => Principal::Oidc {
                issuer: from.text()?,
                subject: from.text()?,
            },
            ENCLAVE => Principal::Enclave {
                measurement: Hash(from.array()?),
                platform: Hash(from.array()?),
            },
            CERTIFICATE => Principal::Certificate {
                spki: Hash(from.array()?),
            },
            TD => Principal::Td {
                mrtd: from.array()?,
                platform: Hash(from.array()?),
                rtmrs: Box::new([from.array()?, from.array()?, from.array()?, from.array()?]),
            },
            _ => return Err(Malformed),
        };
        Ok(Self::new(profile, at, by))
    }

    pub(crate) fn info(&self) -> PendingProfile {
        PendingProfile {
            profile: Arc::clone(&self.profile),
            digest: self.digest,
            staged_at: self.at,
            staged_by: text(&self.by),
        }
    }
}

/// As the log names principals.
fn text(principal: &Principal) -> String {
    let named = match principal {
        Principal::Oidc { issuer, subject } => Canonical::map([
            ("issuer", Canonical::text(issuer)),
            ("kind", Canonical::text("oidc")),
            ("subject", Canonical::text(subject)),
        ]),
        Principal::Enclave {
            measurement,
            platform,
        } => Canonical::map([
            ("kind", Canonical::text("enclave")),
            ("measurement", Canonical::text(measurement)),
            ("platform", Canonical::text(platform)),
        ]),
        Principal::Certificate { spki } => Canonical::map([
            ("kind", Canonical::text("certificate")),
            ("spki", Canonical::text(spki)),
        ]),
        Principal::Td {
            mrtd,
            platform,
            rtmrs,
        } => {
            let [rtmr0, rtmr1, rtmr2, rtmr3] = rtmrs.each_ref().map(|rtmr| hex(rtmr));
            Canonical::map([
                ("kind", Canonical::text("td")),
                ("mrtd", Canonical::text(hex(mrtd))),
                ("platform", Canonical::text(platform)),
                ("rtmr0", Canonical::text(rtmr0)),
                ("rtmr1", Canonical::text(rtmr1)),
                ("rtmr2", Canonical::text(rtmr2)),
                ("rtmr3", Canonical::text(rtmr3)),
            ])
        }
    };
    String::from_utf8_lossy(&named.to_bytes()).into_owned()
}
