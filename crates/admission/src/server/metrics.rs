//! [`Metrics`]: what the server counts, in the text format of Prometheus (version 0.0.4).
//!
//! Labels come from the policy and from the table of codes, never from a request, so that nobody outside can make the
//! series many. Numbers of images, names of namespaces and of registries are in the audit log and not here.

use super::audit::Written;
use crate::response::Response;
use crate::review::Registration;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use veriseal::{Code, UnixTime};
use veriseal_registry::{Event, Observer};

/// Upper bounds of the histogram, in microseconds.
const BUCKETS: [u64; 14] =
    [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000];
/// Most rules that are counted apart; those of further policies, after many reloads, are counted together.
const MAX_RULES: usize = 1000;
/// How long an acceptance is remembered for the nearest horizon, in seconds; at most twice as long.
const HORIZONS_LIVE: i64 = 3600;

/// Counters. Shared between threads.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: Mutex<Counts>,
    cached: AtomicU64,
    fetched: AtomicU64,
    retried: AtomicU64,
    pub(super) connections: AtomicU64,
}

#[derive(Debug, Default)]
struct Counts {
    /// By registration, outcome and reason.
    requests: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// By rule, code and outcome.
    images: BTreeMap<(String, &'static str, &'static str), u64>,
    registry_errors: BTreeMap<&'static str, u64>,
    reloads: BTreeMap<(&'static str, &'static str), u64>,
    /// Whether what is on disk is in use.
    current: BTreeMap<&'static str, bool>,
    unrecorded: u64,
    latency: BTreeMap<&'static str, Histogram>,
    horizons: Horizons,
}

#[derive(Clone, Debug, Default)]
struct Histogram {
    /// How many took at most as long as the bucket of that place, and not as little as the one before.
    buckets: [u64; BUCKETS.len()],
    longer: u64,
    micros: u64,
}

/// The nearest horizon of what was accepted lately, in two windows of time.
#[derive(Clone, Copy, Debug, Default)]
struct Horizons {
    since: Option<UnixTime>,
    now: Option<UnixTime>,
    before: Option<UnixTime>,
}

/// What is read at the moment of asking.
pub(super) struct Reading {
    pub(super) now: UnixTime,
    pub(super) certificate: Option<UnixTime>,
    pub(super) trust: Option<UnixTime>,
    pub(super) policy: Option<UnixTime>,
    /// Name and fingerprint of each policy in use.
    pub(super) policies: Vec<(String, String)>,
    pub(super) under_way: u64,
    pub(super) audit: Written,
    /// Hits and misses.
    pub(super) verdicts: (u64, u64),
    pub(super) ready: bool,
}

impl Metrics {
    /// No count yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn decided(&self, registration: Registration, response: &Response, took: Duration, at: UnixTime) {
        let mut counts = self.counts();
        let outcome = if response.allowed() { "allowed" } else { "denied" };
        let reason = match response.reason() {
            Some(failure) => failure.code().name(),
            None if response.images().is_empty() => "NOTHING_TO_REVIEW",
            None => "IMAGES",
        };
        add(counts.requests.entry((registration.name(), outcome, reason)).or_default());
        counts.latency.entry(registration.name()).or_default().add(took);
        for image in response.images() {
            let outcome = match (image.deny, image.would_deny) {
                (true, _) => "denied",
                (false, true) => "not_enforced",
                (false, false) => "accepted",
            };
            let code = image.failure.code().name();
            let known = counts.images.len() < MAX_RULES;
            let key = (image.rule.clone(), code, outcome);
            let key = if known || counts.images.contains_key(&key) { key } else { ("other".to_owned(), code, outcome) };
            add(counts.images.entry(key).or_default());
            if let Some(horizon) = image.horizon {
                counts.horizons.add(horizon, at);
            }
        }
    }

    pub(super) fn registry_error(&self, code: Code) {
        add(self.counts().registry_errors.entry(code.name()).or_default());
    }

    /// A decision that was turned into a denial because it could not be written down.
    pub(super) fn unrecorded(&self) {
        add(&mut self.counts().unrecorded);
    }

    pub(super) fn reloaded(&self, what: &'static str, result: &'static str, is_current: bool) {
        let mut counts = self.counts();
        add(counts.reloads.entry((what, result)).or_default());
        counts.current.insert(what, is_current);
    }

    /// Everything as text.
    pub(super) fn text(&self, reading: &Reading) -> String {
        let mut page = Page::default();
        let counts = self.counts();
        page.family("veriseal_build_info", "gauge", "The version of this server.");
        page.sample("veriseal_build_info", &[("version", &env!("CARGO_PKG_VERSION"))], 1);
        page.family("veriseal_ready", "gauge", "Whether requests are wanted (as /readyz).");
        page.sample("veriseal_ready", &[], u64::from(reading.ready));
        page.family("veriseal_admission_requests_total", "counter", "Requests by answer; IMAGES: by what became of the images.");
        for ((registration, outcome, reason), count) in &counts.requests {
            let labels: [(&str, &dyn Display); 3] = [("registration", registration), ("outcome", outcome), ("reason", reason)];
            page.sample("veriseal_admission_requests_total", &labels, count);
        }
        page.family("veriseal_admission_images_total", "counter", "Decisions about images by rule and code.");
        for ((rule, code, outcome), count) in &counts.images {
            let labels: [(&str, &dyn Display); 3] = [("rule", rule), ("code", code), ("outcome", outcome)];
            page.sample("veriseal_admission_images_total", &labels, count);
        }
        page.family("veriseal_admission_duration_seconds", "histogram", "From the end of the request to the decision.");
        for (registration, histogram) in &counts.latency {
            histogram.print(registration, &mut page);
        }
        page.family("veriseal_admission_under_way", "gauge", "Requests under way.");
        page.sample("veriseal_admission_under_way", &[], reading.under_way);
        page.family("veriseal_connections", "gauge", "Open connections.");
        page.sample("veriseal_connections", &[], self.connections.load(Ordering::Relaxed));
        page.family("veriseal_registry_errors_total", "counter", "Questions to registries without an answer, by code.");
        for (code, count) in &counts.registry_errors {
            page.sample("veriseal_registry_errors_total", &[("code", code)], count);
        }
        page.family("veriseal_registry_answers_total", "counter", "Answers to questions, from the cache or the registry.");
        for (cached, count) in [("true", &self.cached), ("false", &self.fetched)] {
            page.sample("veriseal_registry_answers_total", &[("cached", &cached)], count.load(Ordering::Relaxed));
        }
        page.family("veriseal_registry_retries_total", "counter", "Attempts that failed and were made again.");
        page.sample("veriseal_registry_retries_total", &[], self.retried.load(Ordering::Relaxed));
        page.family("veriseal_verdict_cache_total", "counter", "Verdicts looked up in the verdict cache.");
        for (result, count) in [("hit", reading.verdicts.0), ("miss", reading.verdicts.1)] {
            page.sample("veriseal_verdict_cache_total", &[("result", &result)], count);
        }
        page.family("veriseal_reloads_total", "counter", "What came of reading policies and certificate again.");
        for ((what, result), count) in &counts.reloads {
            page.sample("veriseal_reloads_total", &[("what", what), ("result", result)], count);
        }
        page.family(
            "veriseal_current",
            "gauge",
            "1 where what is on disk is in use, 0 where it cannot be used and the old one is.",
        );
        for what in ["policy", "certificate"] {
            page.sample("veriseal_current", &[("what", &what)], u64::from(counts.current.get(what).copied().unwrap_or(true)));
        }
        page.family("veriseal_policy_info", "gauge", "The policies in use.");
        for (name, fingerprint) in &reading.policies {
            page.sample("veriseal_policy_info", &[("name", name), ("fingerprint", fingerprint)], 1);
        }
        page.family("veriseal_expiry_days", "gauge", "Days to the nearest end: of the server's certificate, of what is trusted, of a policy's exceptions and keys, of what was accepted lately.");
        let ends = [
            ("certificate", reading.certificate),
            ("trust", reading.trust),
            ("policy", reading.policy),
            ("acceptance", counts.horizons.nearest(reading.now)),
        ];
        for (of, end) in ends {
            if let Some(end) = end {
                page.sample("veriseal_expiry_days", &[("of", &of)], days(end.seconds().saturating_sub(reading.now.seconds())));
            }
        }
        let audit = &reading.audit;
        page.family("veriseal_audit_lines_total", "counter", "Lines of the audit log that were written.");
        page.sample("veriseal_audit_lines_total", &[], audit.lines);
        page.family("veriseal_audit_errors_total", "counter", "Attempts to write a line that failed; each is made again.");
        page.sample("veriseal_audit_errors_total", &[], audit.errors);
        page.family("veriseal_audit_waiting", "gauge", "Lines that wait to be written.");
        page.sample("veriseal_audit_waiting", &[], audit.waiting);
        page.family(
            "veriseal_audit_denied_total",
            "counter",
            "Requests that were denied because the decision could not be written down.",
        );
        page.sample("veriseal_audit_denied_total", &[], counts.unrecorded);
        page.text
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts what the registry client does.
impl Observer for Metrics {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Answered { cached: true } => add_atomic(&self.cached),
            Event::Answered { cached: false } => add_atomic(&self.fetched),
            Event::Waiting { .. } => add_atomic(&self.retried),
            _ => {}
        }
    }
}

impl Histogram {
    fn add(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros = self.micros.saturating_add(micros);
        let bucket = self.buckets.iter_mut().zip(BUCKETS).find(|(_, bound)| micros <= *bound);
        add(bucket.map_or(&mut self.longer, |(count, _)| count));
    }

    fn print(&self, registration: &str, page: &mut Page) {
        const NAME: &str = "veriseal_admission_duration_seconds";
        let mut sum = 0_u64;
        for (count, bound) in self.buckets.iter().zip(BUCKETS) {
            sum = sum.saturating_add(*count);
            let bound = seconds(bound);
            page.sample(&format!("{NAME}_bucket"), &[("registration", &registration), ("le", &bound)], sum);
        }
        sum = sum.saturating_add(self.longer);
        page.sample(&format!("{NAME}_bucket"), &[("registration", &registration), ("le", &"+Inf")], sum);
        page.sample(&format!("{NAME}_sum"), &[("registration", &registration)], seconds(self.micros));
        page.sample(&format!("{NAME}_count"), &[("registration", &registration)], sum);
    }
}

impl Horizons {
    fn add(&mut self, horizon: UnixTime, at: UnixTime) {
        let is_old = self.since.is_none_or(|since| at.seconds().saturating_sub(since.seconds()) >= HORIZONS_LIVE);
        if is_old {
            *self = Self { since: Some(at), now: None, before: self.now };
        }
        self.now = [self.now, Some(horizon)].into_iter().flatten().min();
    }

    fn nearest(&self, now: UnixTime) -> Option<UnixTime> {
        let age = self.since.map(|since| now.seconds().saturating_sub(since.seconds()))?;
        let before = self.before.filter(|_| age < HORIZONS_LIVE);
        let current = self.now.filter(|_| age < HORIZONS_LIVE.saturating_mul(2));
        [before, current].into_iter().flatten().min()
    }
}

/// The text under way.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.text.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            let value = value.to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{}{label}=\"{value}\"", if index == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    let text = format!("{whole}.{rest:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds as days with three digits; negative where the end has passed.
fn days(seconds: i64) -> String {
    let all = seconds.unsigned_abs();
    let (whole, rest) = (all / 86_400, (all % 86_400).saturating_mul(1000) / 86_400);
    let sign = if seconds < 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:03}")
}

fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}

fn add_atomic(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_in_every_bucket_that_they_fit_into() {
        let mut histogram = Histogram::default();
        for micros in [500, 501, 60_000_000] {
            histogram.add(Duration::from_micros(micros));
        }
        let mut page = Page::default();
        histogram.print("mutating", &mut page);
        for line in [
            "_bucket{registration=\"mutating\",le=\"0.0005\"} 1",
            "_bucket{registration=\"mutating\",le=\"0.001\"} 2",
            "_bucket{registration=\"mutating\",le=\"10\"} 2",
            "_bucket{registration=\"mutating\",le=\"+Inf\"} 3",
            "_sum{registration=\"mutating\"} 60.001001",
            "_count{registration=\"mutating\"} 3",
        ] {
            assert!(page.text.contains(line), "{line}: {}", page.text);
        }
    }

    #[test]
    fn labels_are_escaped() {
        let mut page = Page::default();
        page.sample("x", &[("a", &"q\"b\\c\nd"), ("b", &1)], 2);
        assert_eq!(page.text, "x{a=\"q\\\"b\\\\c\\nd\",b=\"1\"} 2\n");
    }

    #[test]
    fn days_are_exact_to_the_minute_and_negative_after_the_end() {
        assert_eq!(days(86_400 * 30), "30.000");
        assert_eq!(days(43_200), "0.500");
        assert_eq!(days(-86_401), "-1.000");
        assert_eq!(days(i64::MIN).len(), "-106751991167300.646".len());
    }

    #[test]
    fn horizons_are_forgotten_after_a_while() {
        let at = UnixTime::from_seconds;
        let mut horizons = Horizons::default();
        assert_eq!(horizons.nearest(at(0)), None);
        horizons.add(at(50_000), at(1000));
        horizons.add(at(90_000), at(1001));
        assert_eq!(horizons.nearest(at(1002)), Some(at(50_000)));
        horizons.add(at(70_000), at(1000 + HORIZONS_LIVE));
        assert_eq!(horizons.nearest(at(1001 + HORIZONS_LIVE)), Some(at(50_000)), "the window before counts");
        horizons.add(at(80_000), at(1000 + 2 * HORIZONS_LIVE));
        assert_eq!(horizons.nearest(at(1001 + 2 * HORIZONS_LIVE)), Some(at(70_000)));
        assert_eq!(horizons.nearest(at(1000 + 5 * HORIZONS_LIVE)), None);
    }
}
