//! [`veriseal_request`]: one thing that gathering asks for.

use crate::handle::{Opaque, borrow, free};
use crate::input::veriseal_str;
use crate::status::veriseal_request_kind;
use veriseal::gather::{Request, What};

/// One thing that gathering asks for.
///
/// Immutable. In a fetcher it belongs to the library and lives until the fetcher returns; from `veriseal_session_next` it is
/// the caller's, freed with `veriseal_request_free`. Its texts live as long as it does. What they name comes from the
/// image reference and from the registry: they are escaped for no shell and no URL, though their characters are those of
/// OCI names, tags and digests alone (but for `veriseal_request_page`).
pub struct veriseal_request {
    _opaque: [u8; 0],
}

pub(crate) struct RequestInner {
    pub(crate) request: Request,
    kind: veriseal_request_kind,
    reference: String,
    path: String,
}

impl RequestInner {
    pub(crate) fn new(request: Request) -> Self {
        use veriseal_request_kind as Kind;
        let (kind, reference, noun) = match &request.what {
            What::ManifestByTag(tag) => (Kind::ManifestByTag, tag.to_string(), "manifests"),
            What::Manifest(digest) => (Kind::ManifestByDigest, digest.to_string(), "manifests"),
            What::Referrers { subject, .. } => (Kind::Referrers, subject.to_string(), "referrers"),
            What::Blob { digest, .. } => (Kind::Blob, digest.to_string(), "blobs"),
            What::OnlyImage => (Kind::OnlyImage, String::new(), ""),
            _ => (Kind::Other, String::new(), ""),
        };
        let path = match (noun, request.repository.registry()) {
            ("", _) | (_, None) => String::new(),
            (noun, Some(_)) => format!("/v2/{}/{noun}/{reference}", request.repository.path()),
        };
        Self { request, kind, reference, path }
    }

    /// For a log line.
    pub(crate) fn describe(&self) -> String {
        veriseal::code::bounded(&format!("{:?} {} {}", self.kind, self.request.repository, self.reference))
    }
}

impl Opaque for veriseal_request {
    type Inner = RequestInner;
    const TAG: u64 = 0x7665_7269_0000_0008;
}

/// The number of the request within its session; 0 for NULL, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_request_id(request: *const veriseal_request) -> u32 {
    value_boundary!(0, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(request, "request") }.map_or(0, |inner| inner.request.id.number())
    })
}

/// What kind of thing is asked for; VERISEAL_REQUEST_KIND_OTHER for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_request_what(request: *const veriseal_request) -> veriseal_request_kind {
    value_boundary!(veriseal_request_kind::Other, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(request, "request") }.map_or(veriseal_request_kind::Other, |inner| inner.kind)
    })
}

/// The registry as references name it, `host[:port]`; empty for a layout. `docker.io` is served by `registry-1.docker.io`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_request_registry(request: *const veriseal_request) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        let registry = unsafe { borrow(request, "request") }.map(|inner| inner.request.repository.registry());
        registry.ok().flatten().map_or(veriseal_str::EMPTY, veriseal_str::from)
    })
}

/// The repository within the registry, such as `acme/app`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_request_repository(request: *const veriseal_request) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(request, "request") }.map_or(veriseal_str::EMPTY, |inner| inner.request.repository.path().into())
    })
}

/// The tag or digest that is asked for; for referrers the digest that they refer to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_request_reference(request: *const veriseal_request) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(request, "request") }.map_or(veriseal_str::EMPTY, |inner| inner.reference.as_str().into())
    })
}

/// The path of the HTTP request at the registry, such as `/v2/acme/app/manifests/v1`; empty where nothing is asked of a
/// registry. For a further page of referrers see `veriseal_request_page`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_request_path(request: *const veriseal_request) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(request, "request") }.map_or(veriseal_str::EMPTY, |inner| inner.path.as_str().into())
    })
}

/// For a further page of referrers what the answer before was given by `veriseal_sink_set_next`, verbatim; else empty. It
/// came from the registry: resolve it against the registry's own origin and follow it to no other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_request_page(request: *const veriseal_request) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, {
        // SAFETY: NULL or a live handle, as the header asks.
        match unsafe { borrow(request, "request") }.map(|inner| &inner.request.what) {
            Ok(What::Referrers { page: Some(page), .. }) => page.as_str().into(),
            _ => veriseal_str::EMPTY,
        }
    })
}

/// Most bytes that the answer may have; 0 for NULL. The sink enforces it, so that a fetcher need not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_request_max_bytes(request: *const veriseal_request) -> u64 {
    value_boundary!(0, {
        // SAFETY: NULL or a live handle, as the header asks.
        unsafe { borrow(request, "request") }.map_or(0, |inner| inner.request.max_bytes)
    })
}

/// Frees a request that came from `veriseal_session_next`. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_request_free(request: *mut veriseal_request) {
    value_boundary!((), {
        // SAFETY: the caller gives up a handle that the library made, or NULL.
        unsafe { free(request) }
    })
}
