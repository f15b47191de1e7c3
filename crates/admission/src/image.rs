//! [`images`]: every place of an object that names an image to run.

use serde_json::Value;
use veriseal::{Code, Failure};

/// Most images of one object; each may cost registry requests.
const MAX_IMAGES: usize = 128;

/// One place that names an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageField {
    /// JSON Pointer (RFC 6901) into the object.
    pub pointer: String,
    /// What stands there.
    pub image: String,
}

/// Lists of containers in a pod's specification, and the field that names the image (core/v1 PodSpec).
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// A kind of object whose images are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kind {
    /// API group; empty for the core's.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// Kind, as objects name it.
    pub kind: &'static str,
    /// Resource, as registrations name it.
    pub resource: &'static str,
    /// JSON Pointer to the specification of its pods.
    pub pod_spec: &'static str,
}

/// The kinds that are reviewed; every other one is denied. A registration names the resources of all of them.
pub const KINDS: [Kind; 9] = [
    kind("", "Pod", "pods", "/spec"),
    kind("", "ReplicationController", "replicationcontrollers", "/spec/template/spec"),
    kind("", "PodTemplate", "podtemplates", "/template/spec"),
    kind("apps", "Deployment", "deployments", "/spec/template/spec"),
    kind("apps", "StatefulSet", "statefulsets", "/spec/template/spec"),
    kind("apps", "DaemonSet", "daemonsets", "/spec/template/spec"),
    kind("apps", "ReplicaSet", "replicasets", "/spec/template/spec"),
    kind("batch", "Job", "jobs", "/spec/template/spec"),
    kind("batch", "CronJob", "cronjobs", "/spec/jobTemplate/spec/template/spec"),
];

const fn kind(group: &'static str, kind: &'static str, resource: &'static str, pod_spec: &'static str) -> Kind {
    Kind { group, version: "v1", kind, resource, pod_spec }
}

/// Where a kind keeps the specification of its pods.
fn pod_spec(group: &str, version: &str, kind: &str) -> Option<&'static str> {
    KINDS.iter().find(|known| known.group == group && known.version == version && known.kind == kind).map(|known| known.pod_spec)
}

/// Every image that an object of this kind would run: of containers, init containers, ephemeral containers and image
/// volumes, in the order of the document. An object without any is no error.
///
/// # Errors
/// [`Code::KindNotReviewed`] for a kind that is not known; [`Code::ImageFieldMalformed`] where the object is not of that
/// kind, its pod specification is missing, or a place that names images is not of its type. An image left out is one too:
/// something else may fill it in after us (K-PO-08).
pub fn images(group: &str, version: &str, kind: &str, object: &Value) -> Result<Vec<ImageField>, Failure> {
    let Some(base) = pod_spec(group, version, kind) else {
        return Err(Failure::new(Code::KindNotReviewed).found(format_args!("{group}/{version} {kind}")));
    };
    let said = |name: &str| object.get(name).and_then(Value::as_str);
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    if said("kind") != Some(kind) || said("apiVersion") != Some(&api_version) {
        let found = format!("{} {}", said("apiVersion").unwrap_or("none"), said("kind").unwrap_or("none"));
        return Err(malformed("").expected(format_args!("{api_version} {kind}")).found(found));
    }
    let Some(Value::Object(spec)) = object.pointer(base) else {
        return Err(malformed(base).expected("the specification of a pod"));
    };
    let mut found = Vec::new();
    for list in CONTAINERS {
        for (pointer, entry) in entries(spec.get(list), &format!("{base}/{list}"))? {
            found.push(field(entry, "image", &pointer)?);
        }
    }
    for (pointer, volume) in entries(spec.get("volumes"), &format!("{base}/volumes"))? {
        match volume.get("image") {
            None | Some(Value::Null) => {}
            Some(source) => found.push(field(source, "reference", &format!("{pointer}/image"))?),
        }
    }
    if found.len() > MAX_IMAGES {
        return Err(malformed(base).expected(format_args!("at most {MAX_IMAGES} images")).found(found.len()));
    }
    Ok(found)
}

/// The entries of a list that may be left out, with their pointers.
fn entries<'v>(list: Option<&'v Value>, pointer: &str) -> Result<Vec<(String, &'v Value)>, Failure> {
    match list {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            let entries = list.iter().enumerate().map(|(index, entry)| (format!("{pointer}/{index}"), entry));
            entries
                .map(|(at, entry)| if entry.is_object() { Ok((at, entry)) } else { Err(malformed(&at).expected("an object")) })
                .collect()
        }
        Some(_) => Err(malformed(pointer).expected("a list")),
    }
}

fn field(entry: &Value, name: &str, pointer: &str) -> Result<ImageField, Failure> {
    let pointer = format!("{pointer}/{name}");
    match entry.get(name) {
        Some(Value::String(image)) if !image.is_empty() => Ok(ImageField { pointer, image: image.clone() }),
        _ => Err(malformed(&pointer).expected("the reference of an image")),
    }
}

fn malformed(at: &str) -> Failure {
    Failure::new(Code::ImageFieldMalformed).at(if at.is_empty() { "the object" } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec() -> Value {
        json!({
            "containers": [{ "name": "a", "image": "one" }, { "name": "b", "image": "two" }],
            "initContainers": [{ "name": "c", "image": "three" }],
            "ephemeralContainers": [{ "name": "d", "image": "four" }],
            "volumes": [{ "name": "v" }, { "name": "w", "image": { "reference": "five" } }, { "name": "x", "image": null }],
        })
    }

    fn object(api_version: &str, kind: &str, at: &str) -> Value {
        let wrapped = at.rsplit('/').filter(|name| !name.is_empty()).fold(spec(), |inner, name| json!({ name: inner }));
        let mut object = wrapped;
        object["apiVersion"] = json!(api_version);
        object["kind"] = json!(kind);
        object
    }

    /// K-PO-08.
    #[test]
    fn every_kind_names_its_images_in_every_place() {
        for (group, kind, at) in [
            ("", "Pod", "/spec"),
            ("", "ReplicationController", "/spec/template/spec"),
            ("", "PodTemplate", "/template/spec"),
            ("apps", "Deployment", "/spec/template/spec"),
            ("apps", "StatefulSet", "/spec/template/spec"),
            ("apps", "DaemonSet", "/spec/template/spec"),
            ("apps", "ReplicaSet", "/spec/template/spec"),
            ("batch", "Job", "/spec/template/spec"),
            ("batch", "CronJob", "/spec/jobTemplate/spec/template/spec"),
        ] {
            let api_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
            let found = images(group, "v1", kind, &object(&api_version, kind, at)).unwrap();
            let expected = [
                ("containers/0/image", "one"),
                ("containers/1/image", "two"),
                ("initContainers/0/image", "three"),
                ("ephemeralContainers/0/image", "four"),
                ("volumes/1/image/reference", "five"),
            ];
            let expected: Vec<_> = expected
                .iter()
                .map(|(place, image)| ImageField { pointer: format!("{at}/{place}"), image: (*image).to_owned() })
                .collect();
            assert_eq!(found, expected, "{kind}");
        }
    }

    #[test]
    fn what_is_not_of_its_type_is_refused() {
        let good = object("v1", "Pod", "/spec");
        assert!(images("", "v1", "Pod", &good).is_ok());
        for (pointer, value) in [
            ("/spec/containers/0/image", json!(7)),
            ("/spec/containers/0/image", json!("")),
            ("/spec/containers/0/image", Value::Null),
            ("/spec/containers/0", json!("one")),
            ("/spec/containers", json!({ "0": { "image": "one" } })),
            ("/spec/initContainers", json!("one")),
            ("/spec/volumes/1/image/reference", json!(["five"])),
            ("/spec/volumes/1/image", json!("five")),
            ("/spec", json!([])),
            ("/kind", json!("pod")),
            ("/apiVersion", json!("v2")),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert_eq!(images("", "v1", "Pod", &bad).unwrap_err().code(), Code::ImageFieldMalformed, "{pointer}");
        }
    }

    #[test]
    fn unknown_kinds_are_refused() {
        for (group, version, kind) in
            [("", "v1", "Binding"), ("apps", "v1beta1", "Deployment"), ("example.com", "v1", "Pod"), ("apps", "v1", "Pod")]
        {
            let object = object("v1", kind, "/spec");
            assert_eq!(images(group, version, kind, &object).unwrap_err().code(), Code::KindNotReviewed, "{group} {kind}");
        }
    }

    #[test]
    fn images_are_bounded_in_number() {
        let mut object = object("v1", "Pod", "/spec");
        object["spec"]["containers"] = json!(vec![json!({ "image": "one" }); 126]);
        assert_eq!(images("", "v1", "Pod", &object).unwrap_err().code(), Code::ImageFieldMalformed);
        object["spec"]["containers"] = json!(vec![json!({ "image": "one" }); 125]);
        assert_eq!(images("", "v1", "Pod", &object).unwrap().len(), 128);
    }
}
