//! Salted hashes: an entry commits to request and change without saying what they are.

use vault_encoding::{Domain, Hash};

/// The salt of the request, from the record's own random salt. The caller is given this one alone,
/// so it can open the request hash and not the change hash.
pub fn request_salt(record_salt: &[u8; 32]) -> Hash {
    Domain::LogRequestSalt.hash(&[record_salt])
}

/// The salt of the change, from the record's own random salt.
pub fn change_salt(record_salt: &[u8; 32]) -> Hash {
    Domain::LogChangeSalt.hash(&[record_salt])
}

/// What an entry says of its request.
pub fn request_hash(request_salt: &Hash, canonical_request: &[u8]) -> Hash {
    Domain::LogRequest.hash(&[request_salt.as_bytes(), canonical_request])
}

/// What an entry says of the change that it made.
pub fn change_hash(change_salt: &Hash, change: &[u8]) -> Hash {
    Domain::LogChange.hash(&[change_salt.as_bytes(), change])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_salt_does_not_open_the_change() {
        let record = [7; 32];
        let (request, change) = (request_salt(&record), change_salt(&record));
        assert_ne!(request, change);
        assert_ne!(request_hash(&request, b"x"), change_hash(&change, b"x"));
        assert_ne!(request_hash(&request, b"x"), request_hash(&request, b"y"));
        assert_ne!(
            request_hash(&request, b"x"),
            request_hash(&request_salt(&[8; 32]), b"x")
        );
    }
}
