//! Names on the wire: media types, artifact types and annotation keys.
//!
//! OCI image-spec `media-types.md`, Docker "Image Manifest Version 2, Schema 2", cosign `pkg/types` and
//! `pkg/oci/static`. Holds names only; what each means is said where it is read.

/// OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Docker schema 2 manifest.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Every document that veriseal reads, for the `Accept` header of a manifest request.
pub const MANIFESTS: [&str; 4] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

/// OCI image configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Docker image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// The empty JSON object, where a descriptor is required and nothing is meant.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Layer of a `.sig` manifest: a simple-signing payload.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// Layer of an `.att` manifest: a DSSE envelope.
pub const DSSE_ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// How the media and artifact types of Sigstore bundles of all versions begin.
pub const BUNDLE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";
/// A Sigstore bundle v0.3, as referrers carry it.
pub const BUNDLE_V03: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Configuration and artifact type of a `.sig` manifest that is kept as a referrer (cosign 2, `--registry-referrers-mode=oci-1-1`).
pub const COSIGN_SIGNATURES: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// The same of an `.att` manifest.
pub const COSIGN_ATTESTATIONS: &str = "application/vnd.dev.cosign.artifact.att.v1+json";
/// Artifact type of a Notary Project signature.
pub const NOTARY_SIGNATURE: &str = "application/vnd.cncf.notary.signature";

/// Annotation of a simple-signing layer: the signature in base64.
pub const ANNOTATION_SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// Annotation of a simple-signing layer: the signer's certificate in PEM.
pub const ANNOTATION_CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
/// Annotation of a simple-signing layer: intermediates and root in PEM.
pub const ANNOTATION_CHAIN: &str = "dev.sigstore.cosign/chain";
/// Annotation of a simple-signing layer: the Rekor entry with its promise, in JSON.
pub const ANNOTATION_BUNDLE: &str = "dev.sigstore.cosign/bundle";
/// Annotation of a simple-signing layer: an RFC 3161 timestamp in JSON.
pub const ANNOTATION_TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
/// Annotation of an attestation layer: its predicate type. A hint; the envelope decides.
pub const ANNOTATION_PREDICATE_TYPE: &str = "predicateType";
/// Annotation of a bundle referrer: `dsse-envelope` or `message-signature`. A hint; the bundle decides.
pub const ANNOTATION_BUNDLE_CONTENT: &str = "dev.sigstore.bundle.content";
/// Annotation of a bundle referrer: its predicate type. A hint; the bundle decides.
pub const ANNOTATION_BUNDLE_PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
/// Annotation that gives an entry of a layout's `index.json` its tag.
pub const ANNOTATION_REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Annotation by which `cosign save` says what an entry of a layout is.
pub const ANNOTATION_KIND: &str = "kind";
/// Value of [`ANNOTATION_KIND`]: an image.
pub const KIND_IMAGE: &str = "dev.cosignproject.cosign/image";
/// Value of [`ANNOTATION_KIND`]: an index of images.
pub const KIND_IMAGE_INDEX: &str = "dev.cosignproject.cosign/imageIndex";
/// Value of [`ANNOTATION_KIND`]: a `.sig` manifest.
pub const KIND_SIGNATURES: &str = "dev.cosignproject.cosign/sigs";
/// Value of [`ANNOTATION_KIND`]: an `.att` manifest.
pub const KIND_ATTESTATIONS: &str = "dev.cosignproject.cosign/atts";

/// Annotation of an index entry: what kind of thing that is no image it is (BuildKit).
pub const ANNOTATION_REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// Value of [`ANNOTATION_REFERENCE_TYPE`]: attestations of another entry.
pub const REFERENCE_ATTESTATION: &str = "attestation-manifest";

/// A media type as a header carries it, without parameters (`; charset=utf-8`) and surrounding blanks.
#[must_use]
pub fn without_parameters(header: &str) -> &str {
    header.split(';').next().unwrap_or_default().trim()
}

/// Whether two media types are the same; letter case and parameters do not count (RFC 9110 §8.3.1).
#[must_use]
pub fn same(left: &str, right: &str) -> bool {
    without_parameters(left).eq_ignore_ascii_case(without_parameters(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_count() {
        assert!(same("application/vnd.oci.image.index.v1+json; charset=utf-8", OCI_INDEX));
        assert!(same(" Application/vnd.OCI.image.index.v1+json ;x", OCI_INDEX));
        assert!(!same(OCI_MANIFEST, DOCKER_MANIFEST));
        assert!(!same("", OCI_INDEX));
    }
}
