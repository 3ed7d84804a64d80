//! SIMULATED platform: genuine-format SGX quotes under a development root. Protects nothing.
