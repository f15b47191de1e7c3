//! What each status and header of an answer means.

use crate::client::exchange::{Exchange, Head};
use crate::client::fault::Fault;
use crate::client::headers::{claimed_digest, content_type, is_encoded, retry_after, text_values};
use crate::client::link;
use crate::client::target::Target;
use crate::client::transport;
use reqwest::header::LINK;
use veriseal::code::{Code, Failure};
use veriseal::gather::{FetchError, Response, What};
use veriseal::oci::media_type;

impl Exchange {
    /// What an answer means.
    ///
    /// For the first page of a referrers list "no such API" is said with 404 by the specification; with 400 or 406 by
    /// registries in use (Quay for a manifest it does not know, Artifactory); and with 200 and another content type by
    /// those that answer unknown paths with a web page. All are taken as [`Response::NotFound`], as ggcr does, after
    /// which the fallback tag is asked for, and only its 404 means "none". On later pages all of these are errors: a
    /// list that breaks off must not pass for a complete one.
    pub(crate) async fn answer_of(&self, target: &Target, head: Head) -> Result<Response, Fault> {
        let Head { response, at_home } = head;
        let is_referrers = matches!(self.request.what, What::Referrers { .. });
        let is_first_page = matches!(self.request.what, What::Referrers { page: None, .. });
        let at = transport::place(response.url());
        let status = response.status().as_u16();
        let invalid = |found: String| Fault::last(Failure::new(Code::ResponseInvalid).found(found).at(&at));
        match status {
            200 => {}
            400 | 404 | 406 if is_first_page => return Ok(Response::NotFound),
            404 if at_home && !is_referrers => return Ok(Response::NotFound),
            404 => return Err(invalid("404 where the registry itself had pointed to".to_owned())),
            401 | 403 => return Err(self.asking(target).denied(&format!("HTTP status {status} by {at}"))),
            429 => return Err(Fault::throttled(retry_after(&response))),
            500 | 502..=504 => {
                let failure = Failure::new(Code::Unavailable).found(format_args!("HTTP status {status}")).at(at);
                return Err(Fault::passing(failure).waiting(retry_after(&response)));
            }
            _ => return Err(invalid(format!("HTTP status {status}"))),
        }
        if is_encoded(&response) {
            return Err(invalid("a Content-Encoding that was not asked for".to_owned()));
        }
        let content_type = content_type(response.headers()).map_err(Fault::last)?;
        let is_manifest = matches!(self.request.what, What::ManifestByTag(_) | What::Manifest(_));
        if let Some(text) = content_type.as_deref().filter(|text| is_manifest && text.starts_with("text/")) {
            // The page of a gateway or a sign-in is not the registry's word about an image.
            return Err(invalid(format!("content type {text}")));
        }
        let mut next = None;
        if is_referrers {
            if content_type.as_deref() != Some(media_type::OCI_INDEX) {
                return if is_first_page {
                    Ok(Response::NotFound)
                } else {
                    Err(invalid(format!("content type {}", content_type.unwrap_or_else(|| "none".to_owned()))))
                };
            }
            let links = text_values(response.headers(), LINK).map_err(Fault::last)?;
            next =
                link::next(links).map_err(Fault::last)?.map(|link| target.next_page(&link)).transpose().map_err(Fault::last)?;
        }
        let claimed = match self.request.what {
            What::ManifestByTag(_) | What::Manifest(_) if at_home => claimed_digest(response.headers()).map_err(Fault::last)?,
            _ => None,
        };
        let most = self.request.max_bytes;
        let _room = self.bounds.room(response.content_length().map_or(most, |length| length.min(most))).await;
        let bytes = match self.request.what {
            What::Blob { size, .. } if size < self.request.max_bytes => {
                self.transport.body(response, size, self.bounds.deadline).await.map_err(|fault| match fault.error {
                    FetchError::TooLarge { .. } => {
                        Fault::last(Failure::new(Code::SizeMismatch).expected(format_args!("{size} bytes")).found("more").at(&at))
                    }
                    _ => fault,
                })?
            }
            _ => self.transport.body(response, self.request.max_bytes, self.bounds.deadline).await?,
        };
        // The header is never trusted, but one that contradicts the body says that something is wrong (K-OC-08).
        if let Some(claimed) = claimed
            && !claimed.matches(&bytes)
        {
            let found = claimed.algorithm().hash(&[&bytes]);
            let failure = Failure::new(Code::DigestMismatch).expected(claimed).found(found);
            return Err(Fault::last(failure.at("Docker-Content-Digest")));
        }
        Ok(Response::Found { media_type: content_type, bytes, next })
    }
}
