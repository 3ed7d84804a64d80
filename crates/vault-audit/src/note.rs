//! C2SP signed notes (c2sp.org/signed-note) with one Ed25519 key, type 0x01.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use vault_encoding::{Domain, Hash, sha256};

/// DER of a SubjectPublicKeyInfo with an Ed25519 key, before the 32 bytes of the key (RFC 8410, 4).
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
const TYPE_ED25519: u8 = 0x01;
const SIGNATURE_LINE: &str = "\u{2014} ";
const MAX_NOTE_BYTES: usize = 1 << 20;
const MAX_SIGNATURES: usize = 100;

/// The public half of a vault's identity key, which names the vault and its log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogKey {
    public: [u8; 32],
}

/// A key that is not an Ed25519 public key in DER, or not the verifier key of a vault's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the Ed25519 key of a vault's log")]
pub struct LogKeyError;

/// Why a note is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// Longer than 1 MiB, or with more than 100 signatures.
    #[error("the note is larger than allowed")]
    TooLarge,
    /// Not UTF-8, or with a control character.
    #[error("the note is not text")]
    NotText,
    /// No blank line between text and signatures, or no signature.
    #[error("the note has no signatures")]
    NoSignatures,
    /// A signature line that is not one.
    #[error("the note has a malformed signature line")]
    MalformedSignature,
    /// No line is of the expected key.
    #[error("the note is not signed by the expected key")]
    UnknownSigner,
    /// The signature of the expected key is wrong.
    #[error("the note's signature is wrong")]
    BadSignature,
}

impl LogKey {
    /// From the 32 bytes of RFC 8032.
    pub const fn from_public(public: [u8; 32]) -> Self {
        Self { public }
    }

    /// From a SubjectPublicKeyInfo, DER.
    pub fn from_spki(spki: &[u8]) -> Result<Self, LogKeyError> {
        spki.strip_prefix(&SPKI_PREFIX)
            .and_then(|public| public.try_into().ok())
            .map(Self::from_public)
            .ok_or(LogKeyError)
    }

    /// The SubjectPublicKeyInfo, DER.
    pub fn to_spki(&self) -> Vec<u8> {
        [&SPKI_PREFIX[..], &self.public].concat()
    }

    /// The 32 bytes of RFC 8032.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The vault whose identity key this is.
    pub fn vault_id(&self) -> Hash {
        Domain::VaultId.hash(&[&self.to_spki()])
    }

    /// The verifier key text of other tools: name, key id, type and key.
    pub fn to_vkey(&self, name: &str) -> String {
        let key = [&[TYPE_ED25519], &self.public[..]].concat();
        let id = vault_encoding::text::hex(&self.key_id(name));
        format!("{name}+{id}+{}", STANDARD.encode(key))
    }

    /// From a verifier key text; the name must be that of the log and the key id the right one.
    pub fn from_vkey(vkey: &str) -> Result<Self, LogKeyError> {
        let read = || {
            let (_, encoded) = vkey.split_once('+')?.1.split_once('+')?;
            let bytes = STANDARD.decode(encoded).ok()?;
            let (&kind, public) = bytes.split_first()?;
            let key = Self::from_public(public.try_into().ok()?);
            let named = key.to_vkey(&crate::checkpoint::origin(&key.vault_id()));
            (kind == TYPE_ED25519 && named == vkey).then_some(key)
        };
        read().ok_or(LogKeyError)
    }

    /// First four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key).
    pub(crate) fn key_id(&self, name: &str) -> [u8; 4] {
        let input = [name.as_bytes(), b"\n", &[TYPE_ED25519], &self.public].concat();
        let [a, b, c, d, ..] = sha256(&input).0;
        [a, b, c, d]
    }
}

/// Text, blank line and one signature. `text` ends in a newline and `name` has neither space nor plus.
pub(crate) fn sign(
    text: &str,
    name: &str,
    key: &LogKey,
    sign: impl FnOnce(&[u8]) -> [u8; 64],
) -> Vec<u8> {
    let signature = [&key.key_id(name)[..], &sign(text.as_bytes())].concat();
    format!(
        "{text}\n{SIGNATURE_LINE}{name} {}\n",
        STANDARD.encode(signature)
    )
    .into_bytes()
}

/// The text of a note that `key` signed under `name`. Lines of unknown keys are ignored, malformed
/// ones refused, and every line of the known key must verify.
pub(crate) fn open<'a>(note: &'a [u8], name: &str, key: &LogKey) -> Result<&'a str, NoteError> {
    let (text, lines) = split(note)?;
    let mut verified = false;
    let mut count = 0;
    for line in lines.split_terminator('\n') {
        count += 1;
        if count > MAX_SIGNATURES {
            return Err(NoteError::TooLarge);
        }
        let (signer, id, signature) = parse_line(line)?;
        if signer == name && id == key.key_id(name) {
            UnparsedPublicKey::new(&ED25519, &key.public)
                .verify(text.as_bytes(), &signature)
                .map_err(|_| NoteError::BadSignature)?;
            verified = true;
        }
    }
    if verified {
        Ok(text)
    } else {
        Err(NoteError::UnknownSigner)
    }
}

/// Text with its last newline, and the signature lines: the last empty line lies between.
fn split(note: &[u8]) -> Result<(&str, &str), NoteError> {
    if note.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLarge);
    }
    let note = std::str::from_utf8(note).map_err(|_| NoteError::NotText)?;
    if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::NotText);
    }
    let at = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
    let text = note.get(..at + 1).ok_or(NoteError::NoSignatures)?;
    let lines = note.get(at + 2..).ok_or(NoteError::NoSignatures)?;
    match lines.ends_with('\n') {
        true => Ok((text, lines)),
        false if lines.is_empty() => Err(NoteError::NoSignatures),
        false => Err(NoteError::MalformedSignature),
    }
}

/// Em dash, space, name, space, base64 of key id and signature.
fn parse_line(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteError> {
    let malformed = NoteError::MalformedSignature;
    let (name, encoded) = line
        .strip_prefix(SIGNATURE_LINE)
        .and_then(|rest| rest.split_once(' '))
        .ok_or(malformed)?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
        return Err(malformed);
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| malformed)?;
    let (id, signature) = bytes.split_first_chunk::<4>().ok_or(malformed)?;
    if signature.is_empty() {
        return Err(malformed);
    }
    Ok((name, *id, signature.to_vec()))
}
