//! The leaves of the two configuration trees.
