//! To come with the doubles.
