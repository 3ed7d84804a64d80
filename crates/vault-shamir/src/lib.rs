//! Shamir's secret sharing over GF(2^8) with the polynomial 0x11b, in constant time.
