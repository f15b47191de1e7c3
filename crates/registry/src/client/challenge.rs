//! `WWW-Authenticate` challenge lists (RFC 9110 §11.6.1 with the parameters of RFC 7617 and RFC 6750).
//!
//! Pure and bounded: what a registry sends is parsed strictly or refused. Does not decide whether a challenge may be
//! followed; the private module `realm` does.

use veriseal::code::{Code, Failure};

/// Longest header value that is read, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Most challenges in all header values together.
const MAX_CHALLENGES: usize = 8;
/// Most parameters of one challenge.
const MAX_PARAMETERS: usize = 16;

/// One challenge: a scheme and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The scheme in lower case, such as `bearer`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The value of a parameter; the name is given in lower case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Parses all `WWW-Authenticate` values of one answer.
///
/// # Errors
/// [`Code::ResponseInvalid`] for anything outside the grammar, a parameter that stands twice, or more than 8 KiB, 8
/// challenges or 16 parameters.
pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Vec<Challenge>, Failure> {
    let mut challenges = Vec::new();
    for value in values {
        if value.len() > MAX_BYTES {
            return Err(invalid("more than 8 KiB"));
        }
        Parser { rest: value }.list(&mut challenges)?;
    }
    Ok(challenges)
}

fn invalid(found: &str) -> Failure {
    Failure::new(Code::ResponseInvalid).expected("challenges as in RFC 9110 §11.6.1").found(found).at("WWW-Authenticate")
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn list(&mut self, challenges: &mut Vec<Challenge>) -> Result<(), Failure> {
        loop {
            self.separators();
            if self.rest.is_empty() {
                return Ok(());
            }
            let scheme = self.token().ok_or_else(|| invalid("no scheme where one is due"))?.to_ascii_lowercase();
            if challenges.len() >= MAX_CHALLENGES {
                return Err(invalid("more than 8 challenges"));
            }
            if !self.rest.is_empty() && !self.rest.starts_with([' ', '\t', ',']) {
                return Err(invalid("a scheme that is not followed by a space"));
            }
            let parameters = if self.token68() { Vec::new() } else { self.parameters()? };
            challenges.push(Challenge { scheme, parameters });
        }
    }

    /// Reads name=value pairs until the next scheme, which is a token that no `=` follows.
    fn parameters(&mut self) -> Result<Vec<(String, String)>, Failure> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            let before = self.rest;
            self.separators();
            let Some(name) = self.token() else {
                return if self.rest.is_empty() { Ok(parameters) } else { Err(invalid("something that is no parameter")) };
            };
            self.spaces();
            let Some(value) = self.rest.strip_prefix('=') else {
                self.rest = before;
                return Ok(parameters);
            };
            self.rest = value;
            self.spaces();
            let value = self.value()?;
            let name = name.to_ascii_lowercase();
            // Parsers differ on which of two realms counts, so neither does.
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(invalid("a parameter that stands twice"));
            }
            if parameters.len() >= MAX_PARAMETERS {
                return Err(invalid("more than 16 parameters"));
            }
            parameters.push((name, value));
            self.spaces();
            if !self.rest.is_empty() && !self.rest.starts_with(',') {
                return Err(invalid("parameters without a comma between them"));
            }
        }
    }

    /// Skips a `token68` (as `Negotiate` sends), which is told from a parameter by what follows it.
    fn token68(&mut self) -> bool {
        let before = self.rest;
        self.spaces();
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/".contains(c))).unwrap_or(self.rest.len());
        let (text, after) = self.rest.split_at(end);
        self.rest = after.trim_start_matches('=');
        self.spaces();
        let found = !text.is_empty() && (self.rest.is_empty() || self.rest.starts_with(','));
        if !found {
            self.rest = before;
        }
        found
    }

    fn value(&mut self) -> Result<String, Failure> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            return self.token().map(str::to_owned).ok_or_else(|| invalid("a parameter without a value"));
        };
        let mut value = String::new();
        let mut characters = quoted.chars();
        loop {
            let c = match characters.next() {
                Some('"') => {
                    self.rest = characters.as_str();
                    return Ok(value);
                }
                Some('\\') => characters.next(),
                other => other,
            };
            match c {
                Some(c) if c == '\t' || !c.is_control() => value.push(c),
                Some(_) => return Err(invalid("a control character")),
                None => return Err(invalid("a quoted string that does not end")),
            }
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| !is_token_character(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn separators(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
    }
}

/// `tchar` of RFC 9110 §5.6.2.
pub(crate) fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemes(value: &str) -> Vec<String> {
        parse([value]).unwrap().iter().map(|challenge| challenge.scheme().to_owned()).collect()
    }

    #[test]
    fn a_bearer_challenge_of_a_registry_is_read() {
        let value = r#"Bearer realm="https://auth.example/token",service="reg.example",scope="repository:ns/app:pull""#;
        let challenges = parse([value]).unwrap();
        assert_eq!(challenges.len(), 1);
        assert_eq!(challenges[0].scheme(), "bearer");
        assert_eq!(challenges[0].parameter("realm"), Some("https://auth.example/token"));
        assert_eq!(challenges[0].parameter("service"), Some("reg.example"));
        assert_eq!(challenges[0].parameter("scope"), Some("repository:ns/app:pull"));
        assert_eq!(challenges[0].parameter("error"), None);
    }

    #[test]
    fn several_challenges_in_one_or_more_headers_are_told_apart() {
        assert_eq!(
            schemes(r#"Basic realm="a, Bearer realm=b", BEARER realm = "c" , x=y,Negotiate"#),
            ["basic", "bearer", "negotiate"]
        );
        assert_eq!(schemes("Negotiate YWJj==, Basic realm=x"), ["negotiate", "basic"]);
        assert_eq!(schemes(",, Basic realm=x ,, "), ["basic"]);
        let two = parse([r#"Basic realm="a""#, r#"Bearer Realm="b\"c""#]).unwrap();
        assert_eq!(two[1].parameter("realm"), Some("b\"c"));
        assert!(parse([""]).unwrap().is_empty());
    }

    #[test]
    fn what_is_outside_the_grammar_is_response_invalid() {
        let long = format!("Basic realm=\"{}\"", "x".repeat(MAX_BYTES));
        let many = "Basic, ".repeat(MAX_CHALLENGES + 1);
        let crowded = format!("Bearer {}", (0..=MAX_PARAMETERS).map(|n| format!("p{n}=v")).collect::<Vec<_>>().join(","));
        for value in [
            r#"Bearer realm="https://a", realm="https://b""#,
            r#"Bearer realm="https://a"#,
            r#"Bearer realm="a\"#,
            r#"Bearer realm="a"service="b""#,
            "Bearer realm=\"a\u{7}\"",
            "Bearer realm=,service=b",
            "=x",
            "\"Bearer\"",
            "Bearer@x",
            &long,
            &many,
            &crowded,
        ] {
            assert_eq!(parse([value]).unwrap_err().code(), Code::ResponseInvalid, "{value}");
        }
    }

    #[test]
    fn as_many_as_the_bounds_allow_are_read() {
        let many = "Basic, ".repeat(MAX_CHALLENGES);
        assert_eq!(parse([many.as_str()]).unwrap().len(), MAX_CHALLENGES);
        let crowded = format!("Bearer {}", (0..MAX_PARAMETERS).map(|n| format!("p{n}=v")).collect::<Vec<_>>().join(","));
        assert_eq!(parse([crowded.as_str()]).unwrap()[0].parameter("p15"), Some("v"));
    }
}
