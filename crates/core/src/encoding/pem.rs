//! Strict PEM.
