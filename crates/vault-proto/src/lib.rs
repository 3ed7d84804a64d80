//! Messages and services of the wire, their limits, and their mapping to the model.
