//! Who belongs to a constellation, in one version.

use crate::fields::{Fields, count};
use crate::{ConstellationId, FormatError, GovernanceSignature, Quorum};
use vault_encoding::{Canonical, Domain, Hash, sha256};
use vault_policy::{Measurement, PlatformId, VaultId};

/// Vaults of one constellation.
pub const MOST_MEMBERS: usize = 64;
/// Bytes of an operator's name.
pub const LONGEST_OPERATOR: usize = 128;

/// One vault, and everything that a client holds it to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its identity.
    pub vault_id: VaultId,
    /// The machine that it must run on.
    pub platform_id: PlatformId,
    /// The build that it must be.
    pub measurement: Measurement,
    /// Root of its trust configuration.
    pub trust_root: Hash,
    /// Who runs it: 1 to 128 bytes without control characters.
    pub operator: String,
}

/// One version of a constellation. INVARIANT: 1 to 64 members, sorted by vault id, each once;
/// version at least 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    constellation: ConstellationId,
    version: u64,
    members: Vec<Member>,
    governance: Quorum,
}

impl Manifest {
    const FORMAT: &str = "enclave-vaults/manifest/v1";

    /// A version with these members, in any order; `governance` signs the next version.
    pub fn new(
        constellation: ConstellationId,
        version: u64,
        mut members: Vec<Member>,
        governance: Quorum,
    ) -> Result<Self, FormatError> {
        members.sort_by_key(|member| member.vault_id);
        Self::of_sorted(constellation, version, members, governance)
    }

    fn of_sorted(
        constellation: ConstellationId,
        version: u64,
        members: Vec<Member>,
        governance: Quorum,
    ) -> Result<Self, FormatError> {
        if version == 0 {
            return Err(FormatError::Malformed("version"));
        }
        count("members", members.len(), MOST_MEMBERS)?;
        for (earlier, later) in members.iter().zip(members.iter().skip(1)) {
            if earlier.vault_id == later.vault_id {
                return Err(FormatError::DuplicateMember(later.vault_id));
            }
            if earlier.vault_id > later.vault_id {
                return Err(FormatError::NotSorted("members"));
            }
        }
        if !members.iter().all(Member::names_its_operator) {
            return Err(FormatError::Operator);
        }
        Ok(Self {
            constellation,
            version,
            members,
            governance,
        })
    }

    /// The constellation.
    pub fn constellation(&self) -> ConstellationId {
        self.constellation
    }

    /// 1 for the first.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Sorted by vault id.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// One of the members.
    pub fn member(&self, vault: &VaultId) -> Option<&Member> {
        self.members.iter().find(|member| member.vault_id == *vault)
    }

    /// Who signs the next version.
    pub fn governance(&self) -> &Quorum {
        &self.governance
    }

    /// The one text of this manifest.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        self.to_canonical().to_bytes()
    }

    /// SHA-256 of the canonical text.
    pub fn hash(&self) -> Hash {
        sha256(&self.canonical_bytes())
    }

    /// What the governance keys sign.
    pub fn message(&self) -> Vec<u8> {
        Domain::Manifest.message(&[self.hash().as_bytes()])
    }

    /// Reads a canonical text.
    pub fn from_canonical(value: &Canonical) -> Result<Self, FormatError> {
        let mut fields = Fields::of(value, "manifest")?;
        fields.format(Self::FORMAT)?;
        let constellation = fields.parsed("constellation")?;
        let version = fields.number("version")?;
        let members = fields.list("members")?;
        let members = members
            .iter()
            .map(Member::from_canonical)
            .collect::<Result<_, _>>()?;
        let governance = Quorum::from_canonical(fields.take("governance")?)?;
        fields.end()?;
        Self::of_sorted(constellation, version, members, governance)
    }

    /// The value whose text is canonical.
    pub fn to_canonical(&self) -> Canonical {
        let Self {
            constellation,
            version,
            members,
            governance,
        } = self;
        Canonical::map([
            ("constellation", Canonical::text(constellation)),
            ("format", Canonical::text(Self::FORMAT)),
            ("governance", governance.to_canonical()),
            (
                "members",
                Canonical::list(members.iter().map(Member::to_canonical)),
            ),
            ("version", Canonical::text(version)),
        ])
    }

    /// One signature, made by whoever holds the private half of `key`.
    pub fn signature(
        &self,
        key: crate::GovernanceKey,
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> GovernanceSignature {
        let signature = sign(&self.message());
        GovernanceSignature { key, signature }
    }
}

impl Member {
    fn names_its_operator(&self) -> bool {
        (1..=LONGEST_OPERATOR).contains(&self.operator.len())
            && !self.operator.chars().any(char::is_control)
    }

    fn to_canonical(&self) -> Canonical {
        let Self {
            vault_id,
            platform_id,
            measurement,
            trust_root,
            operator,
        } = self;
        Canonical::map([
            ("measurement", Canonical::text(measurement)),
            ("operator", Canonical::text(operator)),
            ("platform_id", Canonical::text(platform_id)),
            ("trust_root", Canonical::text(trust_root)),
            ("vault_id", Canonical::text(vault_id)),
        ])
    }

    fn from_canonical(value: &Canonical) -> Result<Self, FormatError> {
        let mut fields = Fields::of(value, "member")?;
        let trust_root = fields.text("trust_root")?;
        let member = Self {
            vault_id: fields.parsed("vault_id")?,
            platform_id: fields.parsed("platform_id")?,
            measurement: fields.parsed("measurement")?,
            trust_root: Hash::from_hex(trust_root).ok_or(FormatError::Malformed("trust_root"))?,
            operator: fields.text("operator")?.to_owned(),
        };
        fields.end()?;
        Ok(member)
    }
}
