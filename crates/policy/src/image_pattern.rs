//! [`ImagePattern`]: which repositories a rule is about, and which of two patterns is the more specific.

use std::cmp::Ordering;
use std::fmt;
use veriseal::{Code, Failure, Repository};

/// Most segments of a pattern.
const MAX_SEGMENTS: usize = 16;
/// Longest pattern, in characters: a host, a path and what stands between them.
const MAX_LENGTH: usize = 512;

/// A pattern over the canonical name of a repository, `host[:port]/path`: `*` within a segment, `**` for one or more whole
/// segments. Tags and digests are no part of the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern {
    source: String,
    segments: Vec<Segment>,
}

/// The derived order is that of specificity, the most specific first; [`ImagePattern::compare`] uses only the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// Text with wildcards in it: the texts between the stars.
    Partial(Vec<String>),
    /// `*` alone.
    One,
    /// `**`.
    Across,
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text {
            "**" => Self::Across,
            "*" => Self::One,
            _ if text.contains('*') => Self::Partial(text.split('*').map(str::to_owned).collect()),
            _ => Self::Literal(text.to_owned()),
        }
    }

    /// 0 is the most specific.
    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Partial(_) => 1,
            Self::One => 2,
            Self::Across => 3,
        }
    }

    /// Whether one whole segment of a name matches. `**` matches any.
    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Literal(text) => text == name,
            Self::Partial(parts) => partial_matches(parts, name),
            Self::One | Self::Across => !name.is_empty(),
        }
    }

    /// The texts between the stars; a literal has one, `*` two empty ones.
    fn parts(&self) -> Vec<&str> {
        match self {
            Self::Literal(text) => vec![text],
            Self::Partial(parts) => parts.iter().map(String::as_str).collect(),
            Self::One | Self::Across => vec!["", ""],
        }
    }

    /// Whether some text matches both.
    fn meets(&self, other: &Self) -> bool {
        let left: Vec<Option<char>> = symbols(&self.parts());
        let right: Vec<Option<char>> = symbols(&other.parts());
        common(&left, &right, |left, right| left == right)
    }
}

/// The characters of a segment; a star is `None`.
fn symbols(parts: &[&str]) -> Vec<Option<char>> {
    let mut symbols = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            symbols.push(None);
        }
        symbols.extend(part.chars().map(Some));
    }
    symbols
}

/// Whether two sequences, in which `None` stands for any run, have a word in common. A table, so that no choice of stars
/// costs more than the product of the lengths.
fn common<L, R>(left: &[Option<L>], right: &[Option<R>], meet: impl Fn(&L, &R) -> bool) -> bool {
    let mut below = vec![false; right.len().saturating_add(1)];
    for i in (0..=left.len()).rev() {
        let mut row = vec![false; right.len().saturating_add(1)];
        for j in (0..=right.len()).rev() {
            let beside = row.get(j.saturating_add(1)).copied().unwrap_or(false);
            let under = i < left.len() && below.get(j).copied().unwrap_or(false);
            let both = i < left.len() && below.get(j.saturating_add(1)).copied().unwrap_or(false);
            let holds = match (left.get(i), right.get(j)) {
                (None, None) => true,
                (Some(None), Some(None)) => under || beside,
                // A run ends here, or takes one more of the other side.
                (Some(None), Some(Some(_))) => under || beside,
                (Some(Some(_)), Some(None)) => beside || under,
                (Some(None), None) => under,
                (None, Some(None)) => beside,
                (Some(Some(l)), Some(Some(r))) => both && meet(l, r),
                _ => false,
            };
            if let Some(cell) = row.get_mut(j) {
                *cell = holds;
            }
        }
        below = row;
    }
    below.first().copied().unwrap_or(false)
}

fn partial_matches(parts: &[String], name: &str) -> bool {
    let [first, middle @ .., last] = parts else { return false };
    let Some(mut rest) = name.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
        return false;
    };
    for part in middle {
        // The leftmost place leaves the most for what follows.
        let Some((_, behind)) = rest.split_once(part.as_str()) else { return false };
        rest = behind;
    }
    true
}

impl ImagePattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`Code::PolicyInvalid`] for what is no pattern, and for what could match no canonical name: a tag or digest, upper
    /// case in the path, a name without its registry.
    pub fn new(source: &str) -> Result<Self, Failure> {
        let invalid = |expected: &str| Failure::new(Code::PolicyInvalid).expected(expected).found(source);
        if source.is_empty() || source.len() > MAX_LENGTH {
            return Err(invalid("a pattern of up to 512 characters such as ghcr.io/acme/**"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "*/._-:[]".contains(c);
        if !source.chars().all(allowed) {
            return Err(invalid("letters, digits, . _ - : / and the wildcards * and **; no tag, no digest, no scheme"));
        }
        let texts: Vec<&str> = source.split('/').collect();
        if texts.len() > MAX_SEGMENTS {
            return Err(invalid("at most 16 segments"));
        }
        if texts.iter().any(|text| text.is_empty()) {
            return Err(invalid("no empty segment"));
        }
        if texts.iter().any(|text| *text != "**" && text.contains("**")) {
            return Err(invalid("** only as a whole segment"));
        }
        if texts.iter().filter(|text| **text == "**").count() > 1 {
            return Err(invalid("at most one **"));
        }
        let segments: Vec<Segment> = texts.iter().map(|text| Segment::parse(text)).collect();
        let host = texts.first().copied().unwrap_or_default();
        let is_host = host == "localhost" || host.contains(['.', ':', '*']);
        if !is_host || (segments.len() == 1 && host != "**") {
            let whole = if segments.len() == 1 { format!("docker.io/library/{source}") } else { format!("docker.io/{source}") };
            return Err(invalid(&format!("a registry and a path, such as {whole}")));
        }
        let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains(']'));
        if port.is_some_and(|port| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*')) {
            return Err(invalid("a registry, whose port is a number; layouts (oci:PATH) fall under ** alone"));
        }
        if host == "index.docker.io" {
            return Err(invalid("docker.io, the canonical name of Docker Hub"));
        }
        let path = texts.get(1..).unwrap_or_default();
        if path.iter().any(|text| text.contains(':') || text.contains(['[', ']'])) {
            return Err(invalid("a repository without a tag: a rule is about all tags"));
        }
        if path.iter().any(|text| text.bytes().any(|byte| byte.is_ascii_uppercase())) {
            return Err(invalid("a lower-case path, as all repository names are"));
        }
        if host == "docker.io" && segments.len() == 2 && !matches!(segments.get(1), Some(Segment::Across)) {
            return Err(invalid("docker.io/library/…: the names of official images have this segment"));
        }
        Ok(Self { source: source.to_owned(), segments })
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the rule is about this repository. A layout has no registry, so only a pattern that begins with `**` is
    /// about one.
    #[must_use]
    pub fn matches(&self, repository: &Repository) -> bool {
        if repository.registry().is_none() {
            return matches!(self.segments.as_slice(), [Segment::Across]);
        }
        let name = repository.to_string();
        let names: Vec<&str> = name.split('/').collect();
        self.matches_names(&names)
    }

    fn matches_names(&self, names: &[&str]) -> bool {
        let symbols: Vec<Option<&str>> = names.iter().map(|name| Some(*name)).collect();
        common(&self.run(), &symbols, |segment, name| segment.matches(name))
    }

    /// `**` as one segment and any run of further ones.
    fn run(&self) -> Vec<Option<&Segment>> {
        let mut run = Vec::new();
        for segment in &self.segments {
            run.push(Some(segment));
            if *segment == Segment::Across {
                run.push(None);
            }
        }
        run
    }

    /// Whether some repository matches both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        common(&self.run(), &other.run(), |left, right| left.meets(right))
    }

    /// The more specific pattern is the lesser: segment for segment a literal comes before text with `*`, that before `*`
    /// alone, that before `**`; of two that begin the same the longer comes first.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let ranks = |pattern: &Self| pattern.segments.iter().map(Segment::rank).chain([u8::MAX]).collect::<Vec<_>>();
        ranks(self).cmp(&ranks(other))
    }

    /// Names that match, in which every wildcard stands for something that no other pattern spells: whoever matches such a
    /// name matches all that the wildcards could stand for. `longest` is the length of the longest other pattern; what is
    /// longer still makes no difference.
    pub(crate) fn generic_names(&self, longest: usize) -> Vec<Vec<String>> {
        let mut names: Vec<Vec<String>> = vec![Vec::new()];
        for segment in &self.segments {
            let one = match segment {
                Segment::Literal(text) => text.clone(),
                Segment::Partial(parts) => parts.join(GENERIC),
                Segment::One | Segment::Across => GENERIC.to_owned(),
            };
            let most = if *segment == Segment::Across { longest.saturating_add(1) } else { 1 };
            names = names
                .iter()
                .flat_map(|name| {
                    (1..=most).map(|count| name.iter().cloned().chain(std::iter::repeat_n(one.clone(), count)).collect())
                })
                .collect();
        }
        names
    }

    pub(crate) fn matches_generic(&self, name: &[String]) -> bool {
        let names: Vec<&str> = name.iter().map(String::as_str).collect();
        self.matches_names(&names)
    }

    pub(crate) fn length(&self) -> usize {
        self.segments.len()
    }

    /// Whether any repository of any registry matches.
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self.segments.as_slice(), [Segment::Across] | [Segment::One, Segment::Across])
    }

    /// Whether the registry itself is left open.
    pub(crate) fn leaves_registry_open(&self) -> bool {
        !matches!(self.segments.first(), Some(Segment::Literal(_)))
    }
}

/// A text that no pattern can spell, since `!` is not allowed in one.
const GENERIC: &str = "!";

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> ImagePattern {
        ImagePattern::new(text).unwrap()
    }

    fn repository(text: &str) -> Repository {
        text.parse().unwrap()
    }

    #[test]
    fn a_star_stays_within_a_segment_and_two_stars_cross_them() {
        for (text, matching, other) in [
            ("ghcr.io/acme/app", &["ghcr.io/acme/app"][..], &["ghcr.io/acme/app2", "ghcr.io/acme/app/x", "ghcr.io/acme"][..]),
            ("ghcr.io/acme/*", &["ghcr.io/acme/app"], &["ghcr.io/acme/a/b", "ghcr.io/acme-evil/app", "evil.io/ghcr.io/acme/app"]),
            ("ghcr.io/acme/**", &["ghcr.io/acme/app", "ghcr.io/acme/a/b"], &["ghcr.io/acme", "ghcr.io/acme-evil/a"]),
            ("ghcr.io/**/app", &["ghcr.io/x/app", "ghcr.io/x/y/app"], &["ghcr.io/app", "ghcr.io/x/app2"]),
            ("*.acme.example/app-*", &["eu.acme.example/app-1"], &["acme.example/app-1", "eu.acme.example/app-1/x"]),
            ("ghcr.io/a*b*c/x", &["ghcr.io/abc/x", "ghcr.io/axbybzc/x"], &["ghcr.io/acb/x", "ghcr.io/ab/x"]),
            ("localhost:5000/**", &["localhost:5000/a"], &["localhost:5001/a", "localhost/a"]),
            ("**", &["ghcr.io/a", "docker.io/library/busybox"], &[]),
        ] {
            let text = pattern(text);
            for name in matching {
                assert!(text.matches(&repository(name)), "{text} {name}");
            }
            for name in other {
                assert!(!text.matches(&repository(name)), "{text} {name}");
            }
        }
    }

    #[test]
    fn a_layout_is_only_everything() {
        let layout = Repository::layout("ghcr.io/acme/app");
        assert!(pattern("**").matches(&layout));
        assert!(!pattern("ghcr.io/acme/**").matches(&layout));
        assert!(!pattern("**/app").matches(&layout));
    }

    #[test]
    fn literal_comes_before_star_before_two_stars() {
        let order =
            ["a.io/b/c", "a.io/b/c*", "a.io/b/*", "a.io/b/**/x", "a.io/b/**", "a.io/*/c", "a.io/**", "*/b/c", "**/c", "**"];
        for pair in order.windows(2) {
            assert_eq!(pattern(pair[0]).compare(&pattern(pair[1])), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn patterns_meet_where_some_name_matches_both() {
        for (left, right, meet) in [
            ("a.io/x*", "a.io/*y", true),
            ("a.io/x*", "a.io/y*", false),
            ("a.io/*a*", "a.io/b*", true),
            ("**/x", "a.io/**", true),
            ("**/x", "a.io/*/y", false),
            ("a.io/**/b", "a.io/c/**", true),
            ("a.io/*", "a.io/*/*", false),
            ("a.io/ab*", "a.io/a*c", true),
        ] {
            assert_eq!(pattern(left).meets(&pattern(right)), meet, "{left} {right}");
            assert_eq!(pattern(right).meets(&pattern(left)), meet, "{right} {left}");
        }
    }

    #[test]
    fn what_could_match_no_canonical_name_is_refused() {
        for bad in [
            "",
            "busybox",
            "acme/app",
            "ghcr.io/Acme/*",
            "ghcr.io/acme/app:v1",
            "ghcr.io/acme/app@sha256:aa",
            "https://ghcr.io/a",
            "oci:images/**",
            "registry.example:/a",
            "registry.example:5o00/a",
            "ghcr.io//a",
            "ghcr.io/a/",
            "ghcr.io/a**",
            "ghcr.io/***",
            "index.docker.io/library/x",
            "docker.io/busybox",
            "ghcr.io",
            "**/a/**",
            "a.io/\u{430}",
            "a.io/a b",
            "a.io/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q",
        ] {
            assert_eq!(ImagePattern::new(bad).unwrap_err().code(), Code::PolicyInvalid, "{bad}");
        }
        for good in ["registry.example:5000/a", "registry.example:*/a", "[::1]:5000/a", "[::1]/a", "localhost/a", "**"] {
            assert!(ImagePattern::new(good).is_ok(), "{good}");
        }
    }

    /// K-DS-07: a table, not a search.
    #[test]
    fn many_stars_cost_no_more_than_their_number() {
        let left = pattern(&format!("a.io/{}b", "a*".repeat(200)));
        let right = pattern(&format!("a.io/{}c", "*a".repeat(200)));
        assert!(!left.meets(&right));
    }
}
