//! [`Answers`]: tags, referrer lists and misses that the caller allowed to be up to some age.
//!
//! Off by default, since nothing about these can be checked: a moved tag or a new signature is seen late by as much. The
//! report says so ([`Code::AnswersReused`]).

use crate::client::cache::Scope;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;
use veriseal::code::{Code, Failure};
use veriseal::gather::Response;

/// Most answers kept at a time.
const MAX_ANSWERS: usize = 1024;
/// Most bytes of all answers together.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Answers by scope and address, each until it is too old.
#[derive(Default)]
pub(crate) struct Answers {
    live: Option<Duration>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    answers: HashMap<(Scope, String), (Response, Instant)>,
    bytes: usize,
}

impl Answers {
    pub(crate) fn new(live: Option<Duration>) -> Self {
        Self { live, kept: Mutex::default() }
    }

    /// What the report says of it.
    pub(crate) fn weakened(&self) -> Vec<Failure> {
        let said = |live: Duration| Failure::new(Code::AnswersReused).found(format_args!("up to {} s", live.as_secs()));
        self.live.map(said).into_iter().collect()
    }

    pub(crate) fn get(&self, scope: &Scope, url: &Url, now: Instant) -> Option<Response> {
        self.live?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, until) = kept.answers.get(&(scope.clone(), url.to_string()))?;
        (*until > now).then(|| answer.clone())
    }

    pub(crate) fn put(&self, scope: &Scope, url: &Url, answer: &Response, now: Instant) {
        let Some(live) = self.live else { return };
        let size = size(answer);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.answers.len() >= MAX_ANSWERS || kept.bytes.saturating_add(size) > MAX_BYTES {
            kept.answers.retain(|_, (_, until)| *until > now);
            kept.bytes = kept.answers.values().map(|(answer, _)| self::size(answer)).sum();
        }
        if kept.answers.len() >= MAX_ANSWERS || kept.bytes.saturating_add(size) > MAX_BYTES {
            return;
        }
        let before = kept.answers.insert((scope.clone(), url.to_string()), (answer.clone(), now + live));
        kept.bytes = kept.bytes.saturating_add(size).saturating_sub(before.map_or(0, |(answer, _)| self::size(&answer)));
    }
}

fn size(answer: &Response) -> usize {
    match answer {
        Response::Found { bytes, next, .. } => bytes.len().saturating_add(next.as_ref().map_or(0, String::len)),
        Response::NotFound => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(number: usize) -> Url {
        Url::parse(&format!("https://reg.example/{number}")).unwrap()
    }

    #[test]
    fn an_answer_lives_as_long_as_the_caller_said_and_in_its_scope() {
        let now = Instant::now();
        let (scope, other) = (Scope::new(&["a"]), Scope::new(&["b"]));
        let answers = Answers::new(Some(Duration::from_secs(60)));
        answers.put(&scope, &url(1), &Response::NotFound, now);
        assert_eq!(answers.get(&scope, &url(1), now), Some(Response::NotFound));
        assert_eq!(answers.get(&other, &url(1), now), None);
        assert_eq!(answers.get(&scope, &url(2), now), None);
        let later = now + Duration::from_secs(60);
        assert_eq!(answers.get(&scope, &url(1), later), None);
        assert_eq!(answers.weakened()[0].code(), Code::AnswersReused);
    }

    #[test]
    fn nothing_is_kept_unless_asked_for() {
        let now = Instant::now();
        let answers = Answers::new(None);
        answers.put(&Scope::new(&["a"]), &url(1), &Response::NotFound, now);
        assert_eq!(answers.get(&Scope::new(&["a"]), &url(1), now), None);
        assert!(answers.weakened().is_empty());
    }

    #[test]
    fn their_number_and_size_are_bounded() {
        let now = Instant::now();
        let scope = Scope::new(&["a"]);
        let answers = Answers::new(Some(Duration::from_secs(60)));
        for number in 0..=MAX_ANSWERS {
            answers.put(&scope, &url(number), &Response::NotFound, now);
        }
        assert!(answers.get(&scope, &url(MAX_ANSWERS - 1), now).is_some());
        assert!(answers.get(&scope, &url(MAX_ANSWERS), now).is_none());
        let large = Response::Found { media_type: None, bytes: vec![0; MAX_BYTES / 2 + 1], next: None };
        let answers = Answers::new(Some(Duration::from_secs(60)));
        answers.put(&scope, &url(0), &large, now);
        answers.put(&scope, &url(1), &large, now);
        assert!(answers.get(&scope, &url(0), now).is_some());
        assert!(answers.get(&scope, &url(1), now).is_none());
    }
}
