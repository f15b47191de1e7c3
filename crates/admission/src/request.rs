//! [`AdmissionRequest`]: what the API server asks (admission.k8s.io/v1, `AdmissionReview.request`).

use serde::Deserialize;
use serde_json::Value;
use veriseal::encoding::json;
use veriseal::{Code, Failure};

/// Largest request, in bytes: the API server's own limit for an object is 3 MiB.
pub(crate) const MAX_REQUEST_BYTES: usize = 3 * 1024 * 1024;

/// Deepest nesting that is read. Custom resources nest deeper than workloads do, and neither comes near.
const MAX_DEPTH: usize = 64;

/// What is being done with the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// It is new.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
    /// A connection to it is opened.
    Connect,
}

impl Operation {
    /// As admission.k8s.io/v1 writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// A request as far as it matters here. What is in it is the API server's word; the object is the user's.
#[derive(Clone, Debug)]
pub struct AdmissionRequest {
    pub(crate) uid: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) sub_resource: String,
    /// Empty for objects without one.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) dry_run: bool,
    pub(crate) operation: Operation,
    pub(crate) object: Value,
    pub(crate) old_object: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    api_version: String,
    kind: String,
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    uid: String,
    kind: Kind,
    #[serde(default)]
    sub_resource: String,
    #[serde(default)]
    namespace: String,
    name: Option<String>,
    user_info: Option<UserInfo>,
    dry_run: Option<bool>,
    operation: String,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
}

#[derive(Deserialize)]
struct UserInfo {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    group: String,
    version: String,
    kind: String,
}

impl AdmissionRequest {
    /// Reads an `AdmissionReview` of admission.k8s.io/v1. Unknown fields are tolerated, since API servers add some; doubled
    /// keys and known ones in another case are not: two readers could see two objects.
    ///
    /// # Errors
    /// [`Code::AdmissionMalformed`].
    pub fn parse(review: &[u8]) -> Result<Self, Failure> {
        let malformed = || Failure::new(Code::AdmissionMalformed);
        if review.len() > MAX_REQUEST_BYTES {
            return Err(malformed().expected(format_args!("at most {MAX_REQUEST_BYTES} bytes")).found(review.len()));
        }
        let review: Review = json::parse_tolerant(review, MAX_DEPTH).map_err(|error| error.failure(Code::AdmissionMalformed))?;
        if review.api_version != "admission.k8s.io/v1" || review.kind != "AdmissionReview" {
            let found = format!("{} {}", review.api_version, review.kind);
            return Err(malformed().expected("admission.k8s.io/v1 AdmissionReview").found(found));
        }
        let request = review.request;
        if request.uid.is_empty() || request.uid.len() > 256 {
            return Err(malformed().expected("a uid of at most 256 bytes").at("request.uid"));
        }
        let operation = match request.operation.as_str() {
            "CREATE" => Operation::Create,
            "UPDATE" => Operation::Update,
            "DELETE" => Operation::Delete,
            "CONNECT" => Operation::Connect,
            other => return Err(malformed().expected("an operation").found(other).at("request.operation")),
        };
        Ok(Self {
            uid: request.uid,
            group: request.kind.group,
            version: request.kind.version,
            kind: request.kind.kind,
            sub_resource: request.sub_resource,
            namespace: request.namespace,
            name: request.name.unwrap_or_default(),
            user: request.user_info.map(|user| user.username).unwrap_or_default(),
            dry_run: request.dry_run.unwrap_or_default(),
            operation,
            object: request.object,
            old_object: request.old_object,
        })
    }

    /// The id that the answer must carry.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The namespace, by the API server's word; empty where there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Name of the object; empty where the API server is to make one up.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who asks, by the API server's word. Decides nothing.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether nothing is to come of it (`kubectl --dry-run=server`). It is decided like any other.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// What is being done.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The images that the object would run ([`crate::images`]).
    ///
    /// # Errors
    /// As [`crate::images`].
    pub fn images(&self) -> Result<Vec<crate::ImageField>, Failure> {
        crate::images(&self.group, &self.version, &self.kind, &self.object)
    }

    /// The uid of a request that cannot be read otherwise, so that even then the answer can carry it.
    pub(crate) fn uid_of(review: &[u8]) -> String {
        let review = json::parse_tolerant::<Value>(review, MAX_DEPTH).unwrap_or_default();
        let uid = review.pointer("/request/uid").and_then(Value::as_str).unwrap_or_default();
        if uid.len() > 256 { String::new() } else { uid.to_owned() }
    }
}
