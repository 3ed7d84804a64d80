//! What the governance keys of a constellation sign: manifests, and changes of a vault's trust configuration.
