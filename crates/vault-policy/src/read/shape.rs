//! The members of every object of the format. The published schema lists the same.

use crate::mutability::Mutability;

/// One kind of object.
pub(super) struct Shape {
    /// Its name in the schema; empty for the whole document.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "compared with the schema by a test")
    )]
    pub(super) name: &'static str,
    /// Every member.
    pub(super) members: &'static [&'static str],
    /// The members without a default.
    pub(super) required: &'static [&'static str],
}

macro_rules! shape {
    ($name:literal, [$($required:literal),*], [$($optional:literal),*]) => {
        Self {
            name: $name,
            members: &[$($required,)* $($optional,)*],
            required: &[$($required),*],
        }
    };
}

impl Shape {
    pub(super) const POLICY: Self = shape!(
        "",
        ["format", "principals", "operations"],
        ["usage", "lifecycle", "recovery", "mutability"]
    );
    pub(super) const PRINCIPALS: Self = shape!(
        "principals",
        ["owner"],
        ["managers", "auditors", "callers", "tees", "mtls"]
    );
    pub(super) const OWNER: Self = shape!("owner", ["issuer", "subject"], ["second_factor"]);
    pub(super) const CALLER: Self = shape!("caller", ["id"], ["oidc", "role"]);
    pub(super) const OIDC: Self = shape!("oidc_subject", ["issuer", "subject"], []);
    pub(super) const ROLE: Self = shape!("issuer_role", ["issuer", "role"], []);
    pub(super) const PROFILE: Self = shape!(
        "attestation_profile",
        ["name"],
        [
            "mrenclave",
            "mrsigner",
            "isv_prod_id",
            "min_isv_svn",
            "mrtd",
            "rtmrs",
            "config_merkle_root",
            "required_oids",
            "platforms",
            "tcb"
        ]
    );
    pub(super) const RTMR: Self = shape!("rtmr", ["index", "value"], []);
    pub(super) const OID: Self = shape!("required_oid", ["oid", "value"], []);
    pub(super) const TCB: Self = shape!(
        "tcb",
        [],
        [
            "statuses",
            "advisories",
            "min_evaluation_data_number",
            "grace"
        ]
    );
    pub(super) const RULE: Self =
        shape!("rule", ["name", "operations", "principals"], ["condition"]);
    pub(super) const CONDITION: Self = shape!(
        "condition",
        [],
        [
            "attestation_matches",
            "time_window",
            "caller_holds_role",
            "all",
            "any",
            "not",
            "manager_approval"
        ]
    );
    pub(super) const ATTESTATION_MATCHES: Self = shape!("attestation_matches", ["profile"], []);
    pub(super) const TIME_WINDOW: Self = shape!("time_window", [], ["from", "until"]);
    pub(super) const USAGE: Self = shape!("usage", [], ["operations", "export"]);
    pub(super) const LIFECYCLE: Self = shape!(
        "lifecycle",
        [],
        [
            "expires_at",
            "rotation_period",
            "deletion_window",
            "usage_limit",
            "sealed_forever"
        ]
    );
    pub(super) const RECOVERY: Self = shape!("recovery", [], ["mode", "targets"]);
    pub(super) const PERSON: Self = shape!("manager", ["id", "credentials"], []);
    pub(super) const CREDENTIAL: Self = shape!("credential", [], ["fido2", "oidc"]);
    pub(super) const SECOND_FACTOR: Self = shape!("second_factor", ["fido2"], []);
    pub(super) const FIDO2: Self = shape!(
        "fido2_credential",
        [
            "algorithm",
            "credential_id",
            "origins",
            "public_key",
            "rp_id"
        ],
        []
    );
    pub(super) const CERTIFICATE: Self = shape!("certificate", ["id"], ["spki", "ca"]);
    pub(super) const CA: Self = shape!("certificate_authority", ["san", "spki"], []);
    pub(super) const MANAGER_APPROVAL: Self = shape!(
        "manager_approval",
        ["managers"],
        ["fresh_for", "oidc", "threshold"]
    );
    pub(super) const LEVEL: Self = shape!("level", ["quorum"], []);
    pub(super) const QUORUM: Self = shape!("quorum", ["threshold"], ["oidc"]);
    pub(super) const MUTABILITY: Self = Self {
        name: "mutability",
        members: &Mutability::FIELDS,
        required: &[],
    };

    /// Every kind of object.
    #[cfg(test)]
    pub(super) const ALL: [Self; 27] = [
        Self::POLICY,
        Self::PRINCIPALS,
        Self::OWNER,
        Self::CALLER,
        Self::OIDC,
        Self::ROLE,
        Self::PROFILE,
        Self::RTMR,
        Self::OID,
        Self::TCB,
        Self::RULE,
        Self::CONDITION,
        Self::ATTESTATION_MATCHES,
        Self::TIME_WINDOW,
        Self::USAGE,
        Self::LIFECYCLE,
        Self::RECOVERY,
        Self::MUTABILITY,
        Self::PERSON,
        Self::CREDENTIAL,
        Self::SECOND_FACTOR,
        Self::FIDO2,
        Self::CERTIFICATE,
        Self::CA,
        Self::MANAGER_APPROVAL,
        Self::LEVEL,
        Self::QUORUM,
    ];
}
