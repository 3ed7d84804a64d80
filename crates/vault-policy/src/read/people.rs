//! Reads credentials: of managers, of an owner's second factor, of client certificates.

use super::Shape;
use super::node::Node;
use super::principals::oidc_subject;
use super::profile::HEX;
use crate::error::{Fault, PolicyError};
use crate::principal::{
    CertificateIdentity, Credential, Fido2Algorithm, Fido2Credential, NamedCertificate, Person,
};
use crate::write::NONE;
use vault_encoding::{Hash, text};

pub(crate) fn person(node: Node<'_>) -> Result<Person, PolicyError> {
    let person = node.object(&Shape::PERSON)?;
    Ok(Person {
        id: person.required("id")?.identity()?,
        credentials: person.required("credentials")?.each(credential)?,
    })
}

pub(crate) fn credential(node: Node<'_>) -> Result<Credential, PolicyError> {
    let credential = node.object(&Shape::CREDENTIAL)?;
    match (credential.optional("fido2"), credential.optional("oidc")) {
        (Some(node), None) => fido2(&node).map(Credential::Fido2),
        (None, Some(node)) => oidc_subject(&node).map(Credential::Oidc),
        _ => Err(node.fault(Fault::Expected("exactly one of fido2, oidc"))),
    }
}

/// Left out, or written as `none`, the token alone is the owner.
pub(super) fn second_factor(
    node: Option<Node<'_>>,
) -> Result<Option<Fido2Credential>, PolicyError> {
    match node {
        Some(node) if node.scalar() != Some(NONE) => {
            let factor = node.object(&Shape::SECOND_FACTOR)?;
            fido2(&factor.required("fido2")?).map(Some)
        }
        _ => Ok(None),
    }
}

fn fido2(node: &Node<'_>) -> Result<Fido2Credential, PolicyError> {
    let credential = node.object(&Shape::FIDO2)?;
    let algorithm = credential.required("algorithm")?;
    let bytes = |name| {
        let node: Node<'_> = credential.required(name)?;
        node.named("unpadded base64url", text::unbase64url)
    };
    Ok(Fido2Credential {
        algorithm: algorithm.named("es256 or eddsa", Fido2Algorithm::from_name)?,
        credential_id: bytes("credential_id")?,
        origins: credential
            .required("origins")?
            .each(|item| item.identity())?,
        public_key: bytes("public_key")?,
        rp_id: credential.required("rp_id")?.identity()?,
    })
}

pub(super) fn certificate(node: Node<'_>) -> Result<NamedCertificate, PolicyError> {
    let certificate = node.object(&Shape::CERTIFICATE)?;
    let spki = |node: Node<'_>| node.named(HEX, Hash::from_hex);
    let identity = match (certificate.optional("spki"), certificate.optional("ca")) {
        (Some(node), None) => CertificateIdentity::Spki(spki(node)?),
        (None, Some(node)) => {
            let ca = node.object(&Shape::CA)?;
            CertificateIdentity::Ca {
                san: ca.required("san")?.identity()?,
                spki: spki(ca.required("spki")?)?,
            }
        }
        _ => return Err(node.fault(Fault::Expected("exactly one of spki, ca"))),
    };
    Ok(NamedCertificate {
        id: certificate.required("id")?.identity()?,
        identity,
    })
}
