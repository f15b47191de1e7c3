//! [`Response`]: what the API server is answered, and what is written down about it.

use crate::image::ImageField;
use serde_json::{Map, Value, json};
use veriseal::code::bounded;
use veriseal::encoding::base64;
use veriseal::{Failure, Reference, UnixTime};

/// Longest warning: API servers cut longer ones.
const MAX_WARNING: usize = 256;
/// All warnings together, for the same reason.
const MAX_WARNINGS: usize = 4096;
/// Longest message of a denial.
const MAX_MESSAGE: usize = 16 * 1024;

/// The decision about one image.
#[derive(Clone, Debug)]
pub struct ImageDecision {
    /// The places that name it.
    pub fields: Vec<ImageField>,
    /// Name of the policy that decided, and its rule where one is about the image.
    pub rule: String,
    /// The outcome: [`veriseal::Code::Accepted`], or why not.
    pub failure: Failure,
    /// What was accepted, by digest; nothing where some policy did not accept.
    pub pinned: Option<Reference>,
    /// Whether it keeps the object out.
    pub deny: bool,
    /// Whether it would in mode `enforce`.
    pub would_deny: bool,
    /// The first second at which what was accepted would not be any more, where that is known.
    pub horizon: Option<UnixTime>,
    /// One line for the audit log a policy that was asked (`veriseal.record/v1`).
    pub records: Vec<String>,
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Response {
    pub(crate) uid: String,
    pub(crate) allowed: bool,
    /// Why no image was looked at: the request is refused as a whole, or lets through as a whole.
    pub(crate) whole: Option<Failure>,
    pub(crate) images: Vec<ImageDecision>,
    pub(crate) patch: Vec<Value>,
}

impl Response {
    /// An answer to a request as a whole.
    pub(crate) fn whole(uid: &str, allowed: bool, failure: Option<Failure>) -> Self {
        Self { uid: uid.to_owned(), allowed, whole: failure, images: Vec::new(), patch: Vec::new() }
    }

    /// A refusal of a request that was not looked at, such as one beyond the server's means.
    #[must_use]
    pub fn refused(review: &[u8], failure: Failure) -> Self {
        Self::whole(&crate::AdmissionRequest::uid_of(review), false, Some(failure))
    }

    /// The id of the request that is answered; empty where none could be read.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Whether the object may pass.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.allowed
    }

    /// The decisions about its images, each image once.
    #[must_use]
    pub fn images(&self) -> &[ImageDecision] {
        &self.images
    }

    /// Why the request was answered as a whole.
    #[must_use]
    pub fn reason(&self) -> Option<&Failure> {
        self.whole.as_ref()
    }

    /// The JSON Patch (RFC 6902) that pins its images: a test before each replacement. Empty where there is nothing to pin.
    #[must_use]
    pub fn patch(&self) -> &[Value] {
        &self.patch
    }

    /// One line an image that keeps the object out, or would: place, image, rule, code, what to do.
    #[must_use]
    pub fn message(&self) -> String {
        let whole = self.whole.iter().filter(|_| !self.allowed).map(|failure| format!("{failure}. {}", failure.code().action()));
        let denied = self.images.iter().filter(|image| image.would_deny && (image.deny || self.allowed)).map(line);
        let mut message = String::new();
        for line in whole.chain(denied) {
            if message.len().saturating_add(line.len()) > MAX_MESSAGE {
                message.push_str("\n…");
                break;
            }
            if !message.is_empty() {
                message.push('\n');
            }
            message.push_str(&line);
        }
        message
    }

    /// What the user of `kubectl` is told although the object passes: what would have been denied, and what nobody looked at.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let whole = self.whole.iter().filter(|_| self.allowed).map(ToString::to_string);
        let passed = self
            .images
            .iter()
            .filter(|image| image.would_deny && !image.deny)
            .map(|image| format!("not enforced: {}", line(image)));
        let mut left = MAX_WARNINGS;
        let mut warnings = Vec::new();
        for warning in whole.chain(passed) {
            let warning = cut(&warning, MAX_WARNING);
            let Some(rest) = left.checked_sub(warning.len()) else { break };
            left = rest;
            warnings.push(warning);
        }
        warnings
    }

    /// The `AdmissionReview` to answer with.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut response = json!({ "uid": self.uid, "allowed": self.allowed });
        if let Some(fields) = response.as_object_mut() {
            if !self.allowed {
                fields.insert("status".to_owned(), json!({ "code": 403, "reason": "Forbidden", "message": self.message() }));
            }
            let warnings = self.warnings();
            if !warnings.is_empty() {
                fields.insert("warnings".to_owned(), json!(warnings));
            }
            if self.allowed && !self.patch.is_empty() {
                let patch = Value::Array(self.patch.clone()).to_string();
                fields.insert("patchType".to_owned(), json!("JSONPatch"));
                fields.insert("patch".to_owned(), json!(base64::encode(patch.as_bytes())));
            }
            let annotations = self.annotations();
            if !annotations.is_empty() {
                fields.insert("auditAnnotations".to_owned(), Value::Object(annotations));
            }
        }
        json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response }).to_string()
    }

    /// One annotation for the cluster's audit log a decision; API servers put the webhook's name before the key.
    fn annotations(&self) -> Map<String, Value> {
        let mut annotations = Map::new();
        if let Some(failure) = &self.whole {
            annotations.insert("decision".to_owned(), json!(failure.code().name()));
        }
        for (index, image) in self.images.iter().enumerate() {
            let asked = image.fields.first().map_or("", |field| &field.image);
            let pinned = image.pinned.as_ref().map(ToString::to_string);
            let value = json!({
                "image": bounded(asked), "rule": image.rule, "code": image.failure.code().name(), "pinned": pinned,
                "deny": image.deny, "wouldDeny": image.would_deny,
            });
            annotations.insert(format!("image-{index}"), json!(value.to_string()));
        }
        annotations
    }
}

/// Place, image, rule, code and reason, and what to do, in one line.
fn line(image: &ImageDecision) -> String {
    let places: Vec<_> = image.fields.iter().map(|field| field.pointer.as_str()).collect();
    let asked = image.fields.first().map_or("", |field| &field.image);
    let code = image.failure.code();
    format!("image {} at {} (rule {}): {}. {}", bounded(asked), places.join(", "), image.rule, image.failure, code.action())
}

fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max.saturating_sub('…'.len_utf8())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}
