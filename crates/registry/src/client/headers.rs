//! Headers of answers, read strictly: what stands twice is refused, since two parties would read two different answers.

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use std::time::{Duration, SystemTime};
use veriseal::code::{Code, Failure};
use veriseal::digest::Digest;

/// Whether the body is in another encoding than its own.
pub(crate) fn is_encoded(response: &reqwest::Response) -> bool {
    response.headers().get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date, which is held against the answer's own `Date` where it has one,
/// so that our clock and the server's need not agree.
pub(crate) fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let text = |name: HeaderName| response.headers().get(name)?.to_str().ok();
    wait(text(RETRY_AFTER)?, text(DATE), SystemTime::now())
}

fn wait(retry_after: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    if !retry_after.is_empty() && retry_after.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are as good as never.
        return Some(Duration::from_secs(retry_after.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(retry_after).ok()?;
    let now = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    // A date that has passed asks for no wait.
    Some(until.duration_since(now).unwrap_or_default())
}

/// The one value of a header that must not stand twice: two parties would read two different answers.
pub(crate) fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Failure> {
    let at = name.clone();
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(HeaderValue::to_str).transpose();
    let invalid = |found: &str| Failure::new(Code::ResponseInvalid).found(found).at(at);
    match value {
        Err(_) => Err(invalid("a header that is not ASCII")),
        Ok(_) if values.next().is_some() => Err(invalid("a header that stands twice")),
        Ok(value) => Ok(value),
    }
}

pub(crate) fn text_values(headers: &HeaderMap, name: HeaderName) -> Result<Vec<&str>, Failure> {
    let invalid = || Failure::new(Code::ResponseInvalid).found("a header that is not ASCII").at(&name);
    headers.get_all(&name).iter().map(|value| value.to_str().map_err(|_| invalid())).collect()
}

/// `Content-Type` in lower case and without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let value = single(headers, CONTENT_TYPE)?;
    Ok(value.map(|value| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()).filter(|value| !value.is_empty()))
}

pub(crate) fn claimed_digest(headers: &HeaderMap) -> Result<Option<Digest>, Failure> {
    let value = single(headers, HeaderName::from_static("docker-content-digest"))?;
    value
        .map(|value| value.parse().map_err(|_| Failure::new(Code::ResponseInvalid).found(value).at("Docker-Content-Digest")))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fault 2.
    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let seconds = |text, date| wait(text, date, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("17", None), Some(17));
        assert_eq!(seconds("1000000000", None), Some(1_000_000_000));
        assert_eq!(seconds("99999999999999999999999", None), Some(u64::MAX));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:47 GMT", None), Some(10));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:47 GMT", Some("Sun, 06 Nov 1994 08:49:45 GMT")), Some(2));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:47 GMT", Some("yesterday")), Some(10));
        // Passed already.
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT", None), Some(0));
        for text in ["", "-1", "soon", "1.5", "+1", "Sun, 06 Nov 1994"] {
            assert_eq!(seconds(text, None), None, "{text}");
        }
    }
}
