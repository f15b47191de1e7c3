//! The trust roots that are compiled in, as they were published, and where they come from.
//!
//! Written by `cargo xtask trust-roots`: change nothing here. Nothing is parsed here, and nothing says that they are still
//! current: whoever verifies sees their age, and may give a newer file.

/// A trusted root as it was published.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// The document, byte for byte as published.
    pub json: &'static str,
    /// SHA-256 of the document in lower-case hex.
    pub sha256: &'static str,
}

/// The published crate that the documents were taken from.
pub const SOURCE: &str = "sigstore-trust-root 0.15.1";

/// The day that crate was published, in RFC 3339: the documents are at least this old.
pub const PUBLISHED: &str = "2026-10-23T00:00:00Z";

/// Sigstore's public good instance (`*.sigstore.dev`).
pub const SIGSTORE: Embedded = Embedded {
    name: "sigstore",
    json: include_str!("embedded/sigstore.json"),
    sha256: "6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66",
};

/// Sigstore's staging instance (`*.sigstage.dev`): for tests of signing tools, never for what runs.
pub const SIGSTORE_STAGING: Embedded = Embedded {
    name: "sigstore-staging",
    json: include_str!("embedded/sigstore-staging.json"),
    sha256: "44deb991d4bbf2150751ccee235d9810bce4434383c26d8898c1bcadbace6ed8",
};

/// GitHub's own instance for artifact attestations of private repositories: no logs, timestamps only.
pub const GITHUB: Embedded = Embedded {
    name: "github",
    json: include_str!("embedded/github.json"),
    sha256: "484cdfe1a7c65479c5ba2a22193d1be90f0020db1997de696ab207434c62fbb7",
};

/// All of them.
pub const ALL: &[Embedded] = &[SIGSTORE, SIGSTORE_STAGING, GITHUB];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::time::UnixTime;

    #[test]
    fn the_documents_are_the_published_ones() {
        for embedded in ALL {
            assert_eq!(Digest::sha256(embedded.json.as_bytes()).hex(), embedded.sha256, "{}", embedded.name);
        }
        assert!(UnixTime::parse_rfc3339(PUBLISHED).is_ok());
    }
}
