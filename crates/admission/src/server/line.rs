//! The line of the audit log for one request (`veriseal.admission/v1`).

use crate::image::ImageField;
use crate::request::AdmissionRequest;
use crate::response::Response;
use crate::review::Registration;
use serde_json::{Value, json};
use std::time::Duration;
use veriseal::UnixTime;
use veriseal::code::bounded;

/// When, by whom, about what, and how it was decided, with the record of every policy that was asked.
pub(super) fn line(
    request: Option<&AdmissionRequest>,
    registration: Registration,
    response: &Response,
    at: UnixTime,
    took: Duration,
    dry_run: bool,
) -> String {
    let images: Vec<Value> = response.images().iter().map(image).collect();
    let object = request.map(|request| {
        json!({
            "group": bounded(&request.group),
            "version": bounded(&request.version),
            "kind": bounded(&request.kind),
            "subResource": bounded(&request.sub_resource),
            "namespace": bounded(&request.namespace),
            "name": bounded(request.name()),
        })
    });
    let line = json!({
        "schema": "veriseal.admission/v1",
        "time": at,
        "uid": bounded(response.uid()),
        "registration": registration.name(),
        "operation": request.map(|request| request.operation.name()),
        "user": request.map(|request| bounded(request.user())),
        "requestDryRun": request.map(AdmissionRequest::is_dry_run),
        "serverDryRun": dry_run,
        "object": object,
        "allowed": response.allowed(),
        "reason": response.reason().map(|failure| json!({ "code": failure.code().name(), "text": failure.to_string() })),
        "images": images,
        "microseconds": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    });
    line.to_string()
}

fn image(decision: &crate::ImageDecision) -> Value {
    let asked = decision.fields.first().map_or("", |field: &ImageField| &field.image);
    let places: Vec<_> = decision.fields.iter().map(|field| field.pointer.as_str()).collect();
    // What is our own JSON stays JSON; should it ever not be, it is there as text and not lost.
    let records: Vec<Value> =
        decision.records.iter().map(|record| serde_json::from_str(record).unwrap_or_else(|_| json!(record))).collect();
    json!({
        "image": bounded(asked),
        "places": places,
        "rule": decision.rule,
        "code": decision.failure.code().name(),
        "pinned": decision.pinned.as_ref().map(ToString::to_string),
        "deny": decision.deny,
        "wouldDeny": decision.would_deny,
        "records": records,
    })
}
