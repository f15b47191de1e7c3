//! What the registry answers when no fault decides (OCI distribution-spec, "Pull", "Push", "Listing Referrers").

use super::Contents;
use super::wire::{Answer, Ask};
use crate::image::{OCI_INDEX, descriptor};
use serde_json::{Value, json};
use veriseal::digest::Digest;

pub(super) fn answer(contents: &mut Contents, ask: &Ask) -> Answer {
    let path = ask.path();
    if matches!(path, "/v2/" | "/v2") {
        return Answer::new(200).header("content-type", "application/json").body(b"{}");
    }
    let Some(path) = path.strip_prefix("/v2/") else { return error(404, "NAME_UNKNOWN") };
    if let Some((repository, rest)) = path.rsplit_once("/blobs/uploads/") {
        return upload(contents, ask, repository, rest);
    }
    for kind in ["manifests", "blobs", "referrers"] {
        let Some((repository, reference)) = path.rsplit_once(&format!("/{kind}/")) else { continue };
        let reading = matches!(ask.method.as_str(), "GET" | "HEAD");
        return match (kind, reading) {
            ("manifests", true) => manifest(contents, repository, reference),
            ("manifests", false) if ask.method == "PUT" => put_manifest(contents, ask, repository, reference),
            ("blobs", true) => blob(contents, repository, reference),
            ("referrers", true) => referrers(contents, ask, repository, reference),
            _ => error(405, "UNSUPPORTED"),
        };
    }
    error(404, "NAME_UNKNOWN")
}

fn manifest(contents: &Contents, repository: &str, reference: &str) -> Answer {
    let Some(store) = contents.store(repository) else { return error(404, "NAME_UNKNOWN") };
    let digest = reference.parse::<Digest>().ok().or_else(|| store.tags.get(reference).copied());
    match digest.and_then(|digest| Some((digest, store.manifests.get(&digest)?))) {
        Some((digest, found)) => Answer::new(200)
            .header("content-type", &found.media_type)
            .header("docker-content-digest", &digest.to_string())
            .body(&found.bytes),
        None => error(404, "MANIFEST_UNKNOWN"),
    }
}

fn blob(contents: &Contents, repository: &str, reference: &str) -> Answer {
    let Some(store) = contents.store(repository) else { return error(404, "NAME_UNKNOWN") };
    match reference.parse::<Digest>().ok().and_then(|digest| store.blobs.get(&digest)) {
        Some(bytes) => Answer::new(200)
            .header("content-type", "application/octet-stream")
            .header("docker-content-digest", reference)
            .body(bytes),
        None => error(404, "BLOB_UNKNOWN"),
    }
}

fn referrers(contents: &Contents, ask: &Ask, repository: &str, reference: &str) -> Answer {
    let Some(store) = contents.store(repository) else { return error(404, "NAME_UNKNOWN") };
    let Ok(subject) = reference.parse::<Digest>() else { return error(400, "DIGEST_INVALID") };
    let page = ask.parameter("page").and_then(|page| page.parse().ok()).unwrap_or(0);
    match store.referrers_page(&subject, page) {
        None => error(404, "UNSUPPORTED"),
        Some((bytes, next)) => {
            let answer = Answer::new(200).header("content-type", OCI_INDEX).body(&bytes);
            match next {
                Some(next) => {
                    let link = format!("</v2/{repository}/referrers/{subject}?page={next}>; rel=\"next\"");
                    answer.header("link", &link)
                }
                None => answer,
            }
        }
    }
}

/// The upload protocol: POST opens, PATCH appends, PUT closes with the digest. Chunks must come in order.
fn upload(contents: &mut Contents, ask: &Ask, repository: &str, rest: &str) -> Answer {
    if ask.method == "POST" {
        let number = contents.next_upload;
        contents.next_upload += 1;
        contents.uploads.insert(number, Vec::new());
        return Answer::new(202).header("location", &format!("/v2/{repository}/blobs/uploads/{number}"));
    }
    let Some((number, mut bytes)) = rest.parse().ok().and_then(|number| contents.uploads.remove_entry(&number)) else {
        return error(404, "BLOB_UPLOAD_UNKNOWN");
    };
    bytes.extend_from_slice(&ask.body);
    match (ask.method.as_str(), ask.parameter("digest").and_then(|digest| digest.parse::<Digest>().ok())) {
        ("PATCH", _) => {
            let range = format!("0-{}", bytes.len().saturating_sub(1));
            contents.uploads.insert(number, bytes);
            let location = format!("/v2/{repository}/blobs/uploads/{number}");
            Answer::new(202).header("location", &location).header("range", &range)
        }
        ("PUT", Some(digest)) if digest.matches(&bytes) => {
            contents.store_mut(repository).blobs.insert(digest, bytes);
            let location = format!("/v2/{repository}/blobs/{digest}");
            Answer::new(201).header("location", &location).header("docker-content-digest", &digest.to_string())
        }
        ("PUT", _) => error(400, "DIGEST_INVALID"),
        _ => error(405, "UNSUPPORTED"),
    }
}

fn put_manifest(contents: &mut Contents, ask: &Ask, repository: &str, reference: &str) -> Answer {
    let store = contents.store_mut(repository);
    let asked = reference.parse::<Digest>().ok();
    if asked.is_some_and(|digest| !digest.matches(&ask.body)) {
        return error(400, "DIGEST_INVALID");
    }
    let media_type = ask.header("content-type").unwrap_or_default().to_owned();
    let stored = store.put_manifest(&media_type, &ask.body);
    if asked.is_none() {
        store.tags.insert(reference.to_owned(), stored.digest);
    }
    let document: Value = serde_json::from_slice(&ask.body).unwrap_or_default();
    let answer = Answer::new(201)
        .header("location", &format!("/v2/{repository}/manifests/{}", stored.digest))
        .header("docker-content-digest", &stored.digest.to_string());
    let subject = document["subject"]["digest"].as_str().and_then(|digest| digest.parse::<Digest>().ok());
    match subject {
        Some(subject) if store.referrers_api => {
            let mut entry = descriptor(&media_type, &stored.digest, stored.size);
            let own = &document["artifactType"];
            entry["artifactType"] = if own.is_null() { document["config"]["mediaType"].clone() } else { own.clone() };
            if document["annotations"].is_object() {
                entry["annotations"] = document["annotations"].clone();
            }
            store.add_referrer(&subject, entry);
            answer.header("oci-subject", &subject.to_string())
        }
        _ => answer,
    }
}

fn error(status: u16, code: &str) -> Answer {
    let body = json!({ "errors": [{ "code": code, "message": code }] });
    Answer::new(status).header("content-type", "application/json").body(body.to_string().as_bytes())
}
