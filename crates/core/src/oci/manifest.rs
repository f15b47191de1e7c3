//! Manifests and indexes.
