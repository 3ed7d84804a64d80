//! The one structure that a prover's quote commits to. Nothing that matters stands outside it.

use std::collections::BTreeMap;
use vault_encoding::{Canonical, Domain, Hash, Limits, text};
use vault_policy::VaultId;

const FORMAT: &str = "enclave-vaults/claims/v1";
/// DER of an Ed25519 SubjectPublicKeyInfo up to the 32 bytes of the key (RFC 8410, section 4).
const ED25519_SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// Most (OID, value) pairs.
pub const MAX_OIDS: usize = 32;
/// Longest value of an OID, in bytes.
pub const MAX_OID_VALUE: usize = 128;
/// Longest dotted OID, in bytes.
pub const MAX_OID_TEXT: usize = 64;

const LIMITS: Limits = Limits {
    bytes: 16 * 1024,
    depth: 4,
    nodes: 128,
};

/// In which role an enclave presents itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// A vault.
    Vault,
    /// An enclave that calls a vault.
    Caller,
    /// A registry.
    Registry,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Vault, Self::Caller, Self::Registry];

    /// Its name in the claims.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Caller => "caller",
            Self::Registry => "registry",
        }
    }

    /// Its byte in the binding of a preamble.
    pub fn byte(self) -> u8 {
        match self {
            Self::Vault => 1,
            Self::Caller => 2,
            Self::Registry => 3,
        }
    }

    /// The role of this byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.byte() == byte)
    }
}

/// What a prover says of itself. Unproven until evidence over its hash was appraised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// In which role.
    pub role: Role,
    /// SHA-256 of the SubjectPublicKeyInfo of the leaf's key.
    pub spki_hash: Hash,
    /// A vault's identity key: SubjectPublicKeyInfo of Ed25519, 44 bytes. Empty for others.
    pub identity_key: Vec<u8>,
    /// Root of the trust configuration. A vault has one.
    pub trust_root: Option<Hash>,
    /// Root of the operational configuration. A vault has one.
    pub operational_root: Option<Hash>,
    /// Random at every start.
    pub boot_id: [u8; 16],
    /// (dotted OID, value), sorted by the bytes of the OID, without repetition. Empty for vaults.
    pub oids: BTreeMap<String, Vec<u8>>,
}

/// Why a text is not a prover's claims, or why these claims cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClaimsError {
    /// Not the canonical text of the claims structure.
    #[error("the claims are not in canonical form")]
    NotCanonical,
    /// A format of another version.
    #[error("the claims are of another format")]
    Format,
    /// Members that this role does not have, or lacks.
    #[error("the claims do not fit their role")]
    Role,
    /// Too many OIDs, too long ones, or one that is not dotted decimal.
    #[error("an OID of the claims is malformed or beyond the limits")]
    Oid,
}

impl Claims {
    /// What evidence commits to.
    pub fn hash(&self) -> Hash {
        Domain::RatlsClaims.hash(&[&self.to_bytes()])
    }

    /// The id that follows from a vault's identity key; `None` for other roles.
    pub fn vault_id(&self) -> Option<VaultId> {
        (self.role == Role::Vault).then(|| VaultId::derive(&self.identity_key))
    }

    /// The raw Ed25519 key inside a vault's identity key; `None` for other roles.
    pub fn identity_public_key(&self) -> Option<[u8; 32]> {
        let raw = self.identity_key.strip_prefix(&ED25519_SPKI)?;
        raw.try_into().ok()
    }

    /// The SubjectPublicKeyInfo of an Ed25519 identity key.
    pub fn identity_spki(public_key: &[u8; 32]) -> Vec<u8> {
        [&ED25519_SPKI[..], public_key].concat()
    }

    /// The one text of these claims.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self {
            role,
            spki_hash,
            identity_key,
            trust_root,
            operational_root,
            boot_id,
            oids,
        } = self;
        Canonical::map([
            ("boot_id", Canonical::text(text::hex(boot_id))),
            ("format", Canonical::text(FORMAT)),
            ("identity_key", Canonical::text(text::hex(identity_key))),
            ("oids", Canonical::list(oids.iter().map(write_oid))),
            ("operational_root", write_root(operational_root)),
            ("role", Canonical::text(role.name())),
            ("spki_hash", Canonical::text(spki_hash)),
            ("trust_root", write_root(trust_root)),
        ])
        .to_bytes()
    }

    /// Reads the one text of claims, and refuses every other.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ClaimsError> {
        let value = Canonical::from_bytes(bytes, LIMITS).map_err(|_| ClaimsError::NotCanonical)?;
        if value.get("format").and_then(Canonical::as_text) != Some(FORMAT) {
            return Err(ClaimsError::Format);
        }
        let claims = read(&value).ok_or(ClaimsError::NotCanonical)?;
        // Whatever the reader did not look at shows here: members it does not know, OIDs out of
        // order or repeated.
        if claims.to_bytes() != bytes {
            return Err(ClaimsError::NotCanonical);
        }
        claims.check()?;
        Ok(claims)
    }

    /// Whether these claims may be made at all: limits, and the members that the role has.
    pub fn check(&self) -> Result<(), ClaimsError> {
        let fits = match self.role {
            Role::Vault => {
                self.identity_public_key().is_some()
                    && self.trust_root.is_some()
                    && self.operational_root.is_some()
                    && self.oids.is_empty()
            }
            Role::Caller | Role::Registry => self.identity_key.is_empty(),
        };
        if !fits {
            return Err(ClaimsError::Role);
        }
        let oids_fit = self.oids.len() <= MAX_OIDS
            && self
                .oids
                .iter()
                .all(|(oid, value)| is_oid(oid) && value.len() <= MAX_OID_VALUE);
        if oids_fit {
            Ok(())
        } else {
            Err(ClaimsError::Oid)
        }
    }
}

fn write_root(root: &Option<Hash>) -> Canonical {
    root.map_or_else(|| Canonical::text(""), Canonical::text)
}

fn write_oid((oid, value): (&String, &Vec<u8>)) -> Canonical {
    Canonical::map([
        ("oid", Canonical::text(oid)),
        ("value", Canonical::text(text::hex(value))),
    ])
}

fn read(value: &Canonical) -> Option<Claims> {
    let member = |name| value.get(name)?.as_text();
    let role = member("role")?;
    Some(Claims {
        role: Role::ALL.into_iter().find(|known| known.name() == role)?,
        spki_hash: Hash::from_hex(member("spki_hash")?)?,
        identity_key: read_identity_key(member("identity_key")?)?,
        trust_root: read_root(member("trust_root")?)?,
        operational_root: read_root(member("operational_root")?)?,
        boot_id: text::unhex(member("boot_id")?)?,
        oids: read_oids(value.get("oids")?)?,
    })
}

fn read_identity_key(hex: &str) -> Option<Vec<u8>> {
    if hex.is_empty() {
        return Some(Vec::new());
    }
    text::unhex::<44>(hex).map(Vec::from)
}

fn read_root(hex: &str) -> Option<Option<Hash>> {
    if hex.is_empty() {
        return Some(None);
    }
    Hash::from_hex(hex).map(Some)
}

fn read_oids(value: &Canonical) -> Option<BTreeMap<String, Vec<u8>>> {
    let Canonical::List(items) = value else {
        return None;
    };
    items.iter().map(read_oid).collect()
}

fn read_oid(item: &Canonical) -> Option<(String, Vec<u8>)> {
    let oid = item.get("oid")?.as_text()?;
    let value = unhex_any(item.get("value")?.as_text()?)?;
    Some((oid.to_owned(), value))
}

/// Bytes of any length from lower-case hex.
fn unhex_any(hex: &str) -> Option<Vec<u8>> {
    if hex.len() > 2 * MAX_OID_VALUE || !hex.is_ascii() {
        return None;
    }
    hex.as_bytes()
        .chunks(2)
        .map(|pair| {
            let [byte] = text::unhex::<1>(std::str::from_utf8(pair).ok()?)?;
            Some(byte)
        })
        .collect()
}

/// Dotted decimal, at least two arcs, no leading zeros.
fn is_oid(oid: &str) -> bool {
    let is_arc = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|digit| digit.is_ascii_digit())
            && (arc.len() == 1 || !arc.starts_with('0'))
    };
    oid.len() <= MAX_OID_TEXT && oid.contains('.') && oid.split('.').all(is_arc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Claims {
        Claims {
            role: Role::Caller,
            spki_hash: Hash([1; 32]),
            identity_key: Vec::new(),
            trust_root: None,
            operational_root: None,
            boot_id: [2; 16],
            oids: BTreeMap::from([
                ("1.2.3".to_owned(), vec![0xab, 0xcd]),
                ("1.2.30".to_owned(), vec![]),
            ]),
        }
    }

    fn vault() -> Claims {
        Claims {
            role: Role::Vault,
            identity_key: Claims::identity_spki(&[9; 32]),
            trust_root: Some(Hash([3; 32])),
            operational_root: Some(Hash([4; 32])),
            oids: BTreeMap::new(),
            ..caller()
        }
    }

    #[test]
    fn claims_have_one_text() {
        let text = String::from_utf8(caller().to_bytes()).unwrap();
        let expected = [
            r#"{"boot_id":"02020202020202020202020202020202","format":"enclave-vaults/claims/v1","#,
            r#""identity_key":"","oids":[{"oid":"1.2.3","value":"abcd"},{"oid":"1.2.30","value":""}],"#,
            r#""operational_root":"","role":"caller","spki_hash":""#,
            &"01".repeat(32),
            r#"","trust_root":""}"#,
        ]
        .concat();
        assert_eq!(text, expected);
        for claims in [caller(), vault()] {
            assert_eq!(Claims::from_bytes(&claims.to_bytes()), Ok(claims));
        }
    }

    #[test]
    fn the_hash_changes_with_every_member() {
        let base = vault();
        let changed = [
            Claims {
                spki_hash: Hash([0; 32]),
                ..base.clone()
            },
            Claims {
                identity_key: Claims::identity_spki(&[8; 32]),
                ..base.clone()
            },
            Claims {
                trust_root: Some(Hash([0; 32])),
                ..base.clone()
            },
            Claims {
                operational_root: Some(Hash([0; 32])),
                ..base.clone()
            },
            Claims {
                boot_id: [0; 16],
                ..base.clone()
            },
            Claims {
                role: Role::Registry,
                ..base.clone()
            },
            Claims {
                oids: caller().oids,
                ..base.clone()
            },
        ];
        for claims in changed {
            assert_ne!(claims.hash(), base.hash());
        }
    }

    #[test]
    fn refuses_unknown_members_and_oids_out_of_order_or_repeated() {
        let text = String::from_utf8(caller().to_bytes()).unwrap();
        let bad = [
            text.replace(r#""format""#, r#""extra":"","format""#),
            text.replace("1.2.30", "1.2.1"),
            text.replace("1.2.30", "1.2.3"),
            text.replace(r#""oid":"1.2.3","#, r#""more":"","oid":"1.2.3","#),
            text.replace("abcd", "ABCD"),
            text.replace("caller", "owner"),
            format!("{text} "),
        ];
        for text in bad {
            let read = Claims::from_bytes(text.as_bytes());
            assert_eq!(read, Err(ClaimsError::NotCanonical), "{text}");
        }
        let newer = text.replace("claims/v1", "claims/v2");
        assert_eq!(
            Claims::from_bytes(newer.as_bytes()),
            Err(ClaimsError::Format)
        );
    }

    #[test]
    fn refuses_claims_that_do_not_fit_their_role() {
        let bad = [
            Claims {
                identity_key: Vec::new(),
                ..vault()
            },
            Claims {
                identity_key: vec![0; 44],
                ..vault()
            },
            Claims {
                trust_root: None,
                ..vault()
            },
            Claims {
                operational_root: None,
                ..vault()
            },
            Claims {
                oids: caller().oids,
                ..vault()
            },
            Claims {
                identity_key: vault().identity_key,
                ..caller()
            },
        ];
        for claims in bad {
            let read = Claims::from_bytes(&claims.to_bytes());
            assert_eq!(read, Err(ClaimsError::Role), "{claims:?}");
        }
    }

    #[test]
    fn bounds_of_oids_hold_at_both_ends() {
        let with = |oid: &str, length: usize, count: usize| {
            let mut claims = caller();
            claims.oids = (0..count)
                .map(|index| (format!("1.{index}"), Vec::new()))
                .collect();
            claims.oids.insert(oid.to_owned(), vec![0; length]);
            claims.check()
        };
        let longest = format!("1.2{}", "3".repeat(MAX_OID_TEXT - 3));
        assert_eq!(with("1.2", MAX_OID_VALUE, 0), Ok(()));
        assert_eq!(with("1.2", MAX_OID_VALUE + 1, 0), Err(ClaimsError::Oid));
        assert_eq!(with("9.9", 0, MAX_OIDS - 1), Ok(()));
        assert_eq!(with("9.9", 0, MAX_OIDS), Err(ClaimsError::Oid));
        assert_eq!(with(&longest, 0, 0), Ok(()));
        for oid in [
            "",
            "1",
            "1.",
            ".1",
            "1..2",
            "1.02",
            "1.a",
            &format!("{longest}4"),
        ] {
            assert_eq!(with(oid, 0, 0), Err(ClaimsError::Oid), "{oid}");
        }
        let mut full = caller();
        full.oids = (0..MAX_OIDS)
            .map(|index| {
                (
                    longest[..62].to_owned() + &format!("{index:02}"),
                    vec![7; MAX_OID_VALUE],
                )
            })
            .collect();
        assert_eq!(Claims::from_bytes(&full.to_bytes()), Ok(full));
    }

    #[test]
    fn only_a_vault_has_an_id() {
        let claims = vault();
        assert_eq!(
            claims.vault_id(),
            Some(VaultId::derive(&claims.identity_key))
        );
        assert_eq!(claims.identity_public_key(), Some([9; 32]));
        assert_eq!(caller().vault_id(), None);
    }
}
