//! What is answered at which path.

use super::{Server, Until};
use crate::request::MAX_REQUEST_BYTES;
use crate::review::Registration;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout_at;
use veriseal::{Code, Failure};

/// The paths of the webhook.
pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/mutate", post(mutate))
        .route("/validate", post(validate))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(server)
}

async fn mutate(State(server): State<Arc<Server>>, request: Request) -> Response {
    decide(&server, Registration::Mutating, request).await
}

async fn validate(State(server): State<Arc<Server>>, request: Request) -> Response {
    decide(&server, Registration::Validating, request).await
}

/// The process works at all.
async fn healthz() -> Response {
    text(StatusCode::OK, "ok\n".to_owned())
}

/// Requests are wanted: not once the server was told to stop.
async fn readyz(State(server): State<Arc<Server>>) -> Response {
    match server.is_ready() {
        true => text(StatusCode::OK, "ready\n".to_owned()),
        false => text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned()),
    }
}

async fn metrics(State(server): State<Arc<Server>>) -> Response {
    let mut response = text(StatusCode::OK, server.metrics());
    let version = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, version);
    response
}

/// Reads a request within its bounds and answers it. What cannot be read as HTTP has no `AdmissionReview` to answer with: a
/// status other than 200 is a webhook that failed, which `failurePolicy: Fail` makes a denial.
async fn decide(server: &Arc<Server>, registration: Registration, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let until = Until::within(deadline(server.settings.deadline, &parts.uri));
    let largest = u64::try_from(MAX_REQUEST_BYTES).unwrap_or(u64::MAX);
    let declared = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > largest) {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, &too_large(largest));
    }
    let Some(_room) = server.load.body(declared.unwrap_or(largest)) else {
        let failure = Failure::new(Code::AdmissionOverloaded).expected("room for the bodies of all requests under way");
        return refused(StatusCode::SERVICE_UNAVAILABLE, &failure);
    };
    let bytes = match timeout_at(until.review, Limited::new(body, MAX_REQUEST_BYTES).collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, &too_large(largest));
        }
        Ok(Err(_)) => return refused(StatusCode::BAD_REQUEST, &Failure::new(Code::AdmissionMalformed).expected("a whole body")),
        Err(_) => return refused(StatusCode::REQUEST_TIMEOUT, &Failure::new(Code::DeadlineExceeded).expected("a whole body")),
    };
    let response = server.decide(registration, &bytes, until).await;
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], Body::from(response.to_json())).into_response()
}

fn too_large(largest: u64) -> Failure {
    Failure::new(Code::AdmissionMalformed).expected(format_args!("at most {largest} bytes"))
}

fn refused(status: StatusCode, failure: &Failure) -> Response {
    text(status, format!("{failure}\n"))
}

fn text(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], Body::from(text)).into_response()
}

/// The deadline of a request: ours, or four fifths of what the API server says that it waits (`?timeout=10s`), if that is
/// less. What cannot be read is not there.
fn deadline(own: Duration, uri: &Uri) -> Duration {
    let named = uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("timeout="));
    let seconds = named.and_then(|value| value.strip_suffix('s')?.parse::<u32>().ok()).filter(|seconds| *seconds > 0);
    match seconds {
        Some(seconds) => own.min(Duration::from_millis(u64::from(seconds).saturating_mul(800))),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_timeout_of_the_caller_shortens_the_deadline() {
        let own = Duration::from_secs(8);
        let of = |uri: &'static str| deadline(own, &Uri::from_static(uri)).as_millis();
        assert_eq!(of("/mutate"), 8000);
        assert_eq!(of("/mutate?timeout=30s"), 8000);
        assert_eq!(of("/mutate?timeout=5s"), 4000);
        assert_eq!(of("/mutate?a=b&timeout=1s"), 800);
        for other in ["/mutate?timeout=", "/mutate?timeout=0s", "/mutate?timeout=-1s", "/mutate?timeout=1m0s", "/mutate?timeout"]
        {
            assert_eq!(of(other), 8000, "{other}");
        }
    }
}
