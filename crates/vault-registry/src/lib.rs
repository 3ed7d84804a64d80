//! An untrusted phonebook: dials what is announced, appraises it, and lists it until it expires.
