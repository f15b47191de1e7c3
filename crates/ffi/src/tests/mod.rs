//! Tests of what cannot be seen from C.

pub(crate) mod panics;
