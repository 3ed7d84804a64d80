//! The vocabulary of access and the decision whether a call is allowed.
