//! Why evidence is refused.

use vault_policy::TcbStatus;

/// Why evidence is refused. Every step of the appraisal has its own reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AppraisalError {
    /// The quote is not in the one form that is read.
    #[error("the quote is not in the accepted form: {0}")]
    Format(FormatFault),
    /// A certificate or revocation list does not verify.
    #[error("the platform's certificates do not verify: {0}")]
    Certificate(CertificateFault),
    /// TCB info or QE identity do not verify.
    #[error("the collateral does not verify: {0}")]
    Collateral(CollateralFault),
    /// The quoting enclave is not the vendor's, or did not vouch for the attestation key.
    #[error("the quoting enclave is not acceptable: {0}")]
    QuotingEnclave(QeFault),
    /// The attestation key did not sign this quote.
    #[error("the quote's signature does not verify")]
    QuoteSignature,
    /// The platform's trusted computing base is not acceptable.
    #[error("the platform's state is not acceptable: {0}")]
    Tcb(TcbFault),
    /// The enclave runs in a mode that is not accepted.
    #[error("the enclave's mode is not acceptable: {0}")]
    Enclave(EnclaveFault),
    /// The trust domain runs in a mode, or on a TDX module, that is not accepted.
    #[error("the trust domain is not acceptable: {0}")]
    Td(TdFault),
    /// The quote was made for other report data: another key, connection, nonce or claims.
    #[error("the quote was not made for this key and connection")]
    ReportData,
    /// Another build than the expected ones.
    #[error("the enclave's measurement is not an expected one")]
    Measurement,
    /// The machine is not acceptable.
    #[error("the machine is not acceptable: {0}")]
    Platform(PlatformFault),
    /// Collateral is older than what was seen before.
    #[error("the collateral is older than collateral seen before: {0}")]
    Floor(FloorFault),
    /// The verification library refused for a reason that has no name here.
    #[error("the quote does not verify")]
    Unclassified,
}

macro_rules! faults {
    ($(#[$doc:meta])* $name:ident => $group:ident { $($(#[$vdoc:meta])* $variant:ident: $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
        pub enum $name {
            $($(#[$vdoc])* #[error($text)] $variant,)*
        }

        impl From<$name> for AppraisalError {
            fn from(fault: $name) -> Self {
                Self::$group(fault)
            }
        }
    };
}

faults!(
    /// The quote is not in the one form that is read.
    FormatFault => Format {
        /// Longer than any quote that is read.
        TooLong: "too long",
        /// Ends early.
        Truncated: "truncated",
        /// Bytes behind the quote.
        TrailingBytes: "bytes behind the quote",
        /// Neither SGX of version 3 nor TDX of version 4 or 5.
        Version: "not a quote of an accepted version",
        /// A TDX quote in the place of a vault's.
        Tdx: "a TDX quote: vaults are SGX enclaves",
        /// Of a TDX quote of version 5: a body that is neither a TD report of TDX 1.0 nor one of 1.5, or that is of
        /// another length.
        TdReport: "unknown kind of TD report",
        /// Neither SGX nor TDX.
        TeeType: "unknown kind of TEE",
        /// Not ECDSA P-256.
        AttestationKeyType: "unknown type of attestation key",
        /// The quoting enclave is not Intel's.
        QeVendor: "unknown vendor of the quoting enclave",
        /// The authentication data of the quoting enclave is not of 32 bytes.
        AuthData: "authentication data of another length than 32",
        /// Not a PCK certificate chain in PEM or, of a TDX quote, not around the report of a quoting enclave.
        CertificationData: "certification data is not a PCK certificate chain",
        /// The chain is not the one text of its three certificates.
        ChainText: "the PCK certificate chain is not in canonical form",
        /// The chain ends in another root than the configured one.
        EmbeddedRoot: "the PCK certificate chain ends in another root",
    }
);

faults!(
    /// A certificate or revocation list does not verify.
    CertificateFault => Certificate {
        /// A signature or a name in a chain does not fit.
        Chain: "a chain does not end in the trust root",
        /// A certificate has expired.
        Expired: "a certificate has expired",
        /// A certificate is not valid yet.
        NotYetValid: "a certificate is not valid yet",
        /// The platform's own certificate is revoked.
        PckRevoked: "the platform is revoked",
        /// The CA that issues platforms' certificates is revoked.
        CaRevoked: "the CA of the platform is revoked",
        /// The signer of the collateral, or the root, is revoked.
        SignerRevoked: "the signer of the collateral is revoked",
        /// A revocation list has expired.
        CrlExpired: "a revocation list has expired",
        /// A revocation list cannot be read, is not signed by its CA, or is missing.
        Crl: "a revocation list is missing or does not verify",
        /// The PCK certificate has no readable SGX extension.
        PckExtension: "the PCK certificate does not describe a platform",
    }
);

faults!(
    /// TCB info or QE identity do not verify.
    CollateralFault => Collateral {
        /// Longer than the limit.
        TooLong: "too long",
        /// Cannot be read.
        Malformed: "it cannot be read",
        /// It carries a certificate chain of its own that would replace the quote's.
        ReplacesChain: "it carries a PCK certificate chain of its own",
        /// TCB info: signature.
        TcbInfoSignature: "the signature of the TCB info",
        /// TCB info: past its next update.
        TcbInfoExpired: "the TCB info has expired",
        /// QE identity: signature.
        QeIdentitySignature: "the signature of the QE identity",
        /// QE identity: past its next update.
        QeIdentityExpired: "the QE identity has expired",
        /// Issued after `now`.
        FromTheFuture: "it was issued after now",
        /// For another kind of TEE.
        OtherTee: "it is for another kind of TEE",
    }
);

faults!(
    /// The quoting enclave is not the vendor's, or did not vouch for the attestation key.
    QeFault => QuotingEnclave {
        /// The PCK key did not sign its report.
        ReportSignature: "its report is not signed by the platform",
        /// Its report names another attestation key.
        KeyNotBound: "its report names another attestation key",
        /// It differs from the QE identity.
        Identity: "it differs from the published identity",
    }
);

faults!(
    /// The machine is not acceptable.
    PlatformFault => Platform {
        /// The collateral is for another processor family (FMSPC).
        OtherFamily: "the collateral is for another processor family",
        /// The collateral is for another provisioning certification enclave (PCEID).
        OtherPce: "the collateral is for another provisioning enclave",
        /// Platform instance id and PPID are missing or all zero.
        Unidentified: "it has no identity",
        /// Not one of the expected machines.
        NotListed: "it is not one of the expected ones",
    }
);

faults!(
    /// The enclave runs in a mode that is not accepted.
    EnclaveFault => Enclave {
        /// DEBUG is set: the host can read and write its memory.
        Debug: "it is a debug enclave",
        /// Another attribute is set, or a required one is not.
        Attributes: "its attributes are not in the accepted set",
        /// XFRM is not within the accepted mask.
        Xfrm: "its extended features (XFRM) are not in the accepted set",
        /// A reserved field, or one of key separation and sharing (KSS), is not zero.
        Reserved: "a reserved field of its report is not zero",
        /// MISCSELECT is not within the accepted mask.
        MiscSelect: "its MISCSELECT is not in the accepted set",
    }
);

faults!(
    /// The trust domain runs in a mode, or on a TDX module, that is not accepted.
    TdFault => Td {
        /// DEBUG is set: the host can read and write its memory.
        Debug: "it is under debug",
        /// Another attribute is set, or SEPT_VE_DISABLE is not.
        Attributes: "its attributes are not in the accepted set",
        /// XFAM is not within the accepted mask.
        Xfam: "its extended features (XFAM) are not in the accepted set",
        /// The TDX module's signer or version is not one that is published.
        Module: "its TDX module is not a published one",
        /// SEAMATTRIBUTES is not zero: the TDX module is no production module.
        Seam: "its TDX module is not a production module",
        /// A service domain is bound to it, which may change it or move it elsewhere.
        ServiceTd: "a service domain is bound to it",
        /// MROWNER or MROWNERCONFIG is not zero: no policy can name what the host wrote there.
        Owner: "its host gave it an owner",
    }
);

faults!(
    /// Collateral is older than what was seen before.
    FloorFault => Floor {
        /// `tcbEvaluationDataNumber`.
        TcbEvaluationDataNumber: "tcbEvaluationDataNumber",
        /// CRL number of the PCK CA.
        PckCrl: "revocation list of the PCK CA",
        /// CRL number of the root CA.
        RootCrl: "revocation list of the root CA",
    }
);

/// The platform's trusted computing base is not acceptable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TcbFault {
    /// The vendor says that keys of this state are compromised. No policy accepts it.
    #[error("revoked")]
    Revoked,
    /// Older than every state that the vendor describes.
    #[error("no published state matches")]
    NoLevel,
    /// A state that the policy does not name.
    #[error("{}", .0.name())]
    Status(TcbStatus),
    /// An advisory that the policy does not name applies.
    #[error("an advisory applies that is not accepted")]
    Advisory,
}

impl From<TcbFault> for AppraisalError {
    fn from(fault: TcbFault) -> Self {
        Self::Tcb(fault)
    }
}
