//! `Link` headers (RFC 8288), as far as the pages of a referrers list need them (distribution-spec "Listing
//! Referrers").
//!
//! Finds the target of `rel=next`; resolving it and keeping it on the registry's origin is the work of the module `exchange`.

use crate::client::challenge::is_token_character;
use veriseal::code::{Code, Failure};

/// Longest header value that is read, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Most links in all header values together.
const MAX_LINKS: usize = 16;
/// Most parameters of one link.
const MAX_PARAMETERS: usize = 16;

/// The target of the link whose relation is `next`, as it was written. `None` when there is none.
///
/// # Errors
/// [`Code::ResponseInvalid`] for anything outside the grammar and for two different `next` links: a list that cannot
/// be followed to its end must not pass for a complete one.
pub fn next<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Option<String>, Failure> {
    let mut next: Option<String> = None;
    let mut links = 0;
    for value in values {
        if value.len() > MAX_BYTES {
            return Err(invalid("more than 8 KiB"));
        }
        let mut rest = value.trim_matches([' ', '\t', ',']);
        while !rest.is_empty() {
            links += 1;
            if links > MAX_LINKS {
                return Err(invalid("more than 16 links"));
            }
            let (link, after) = link(rest)?;
            if link.is_next {
                match &next {
                    Some(known) if known != link.target => return Err(invalid("two different next pages")),
                    _ => next = Some(link.target.to_owned()),
                }
            }
            rest = after;
        }
    }
    Ok(next)
}

fn invalid(found: &str) -> Failure {
    Failure::new(Code::ResponseInvalid).expected("links as in RFC 8288").found(found).at("Link")
}

struct Link<'a> {
    target: &'a str,
    is_next: bool,
}

fn link(text: &str) -> Result<(Link<'_>, &str), Failure> {
    let text = text.strip_prefix('<').ok_or_else(|| invalid("no target in angle brackets"))?;
    let (target, mut rest) = text.split_once('>').ok_or_else(|| invalid("a target that does not end"))?;
    let mut relation: Option<String> = None;
    let mut anchored = false;
    for _ in 0..=MAX_PARAMETERS {
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() || rest.starts_with(',') {
            // A link with another context (`anchor`) says nothing about this list.
            let is_next = !anchored
                && relation.is_some_and(|names| names.split_ascii_whitespace().any(|name| name.eq_ignore_ascii_case("next")));
            return Ok((Link { target, is_next }, rest.trim_start_matches([' ', '\t', ','])));
        }
        rest = rest.strip_prefix(';').ok_or_else(|| invalid("something between target and parameters"))?;
        rest = rest.trim_start_matches([' ', '\t']);
        let (name, after) = rest.split_at(rest.find(|c| !is_token_character(c)).unwrap_or(rest.len()));
        rest = after.trim_start_matches([' ', '\t']);
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = parameter_value(after.trim_start_matches([' ', '\t']))?;
        } else if name.is_empty() {
            continue;
        }
        if name.eq_ignore_ascii_case("rel") {
            // RFC 8288 §3.3: only the first counts.
            relation.get_or_insert(value);
        } else if name.eq_ignore_ascii_case("anchor") {
            anchored = true;
        }
    }
    Err(invalid("more than 16 parameters"))
}

fn parameter_value(text: &str) -> Result<(String, &str), Failure> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find(|c| !is_token_character(c)).unwrap_or(text.len()));
        return Ok((value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next() {
            Some('"') => return Ok((value, characters.as_str())),
            Some('\\') => value.extend(characters.next()),
            Some(c) => value.push(c),
            None => return Err(invalid("a quoted string that does not end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_in_every_spelling() {
        for value in [
            r#"</v2/a/referrers/d?n=2>; rel="next""#,
            "</v2/a/referrers/d?n=2>;rel=next",
            r#"</first>; rel="first", </v2/a/referrers/d?n=2>; title="a, b; c" ; REL = "prefetch NEXT""#,
            r#"</v2/a/referrers/d?n=2>; rel="next", </v2/a/referrers/d?n=2>; rel="next""#,
        ] {
            assert_eq!(next([value]).unwrap().as_deref(), Some("/v2/a/referrers/d?n=2"), "{value}");
        }
    }

    #[test]
    fn what_is_not_next_is_not_followed() {
        for value in [
            "",
            r#"</a>; rel="prev""#,
            "</a>",
            r#"</a>; rel="nextish""#,
            r##"</a>; rel="next"; anchor="#x""##,
            r#"</a>; rel=prev; rel=next"#,
        ] {
            assert_eq!(next([value]).unwrap(), None, "{value}");
        }
    }

    #[test]
    fn a_link_that_cannot_be_read_is_response_invalid() {
        let long = format!("</{}>; rel=next", "x".repeat(MAX_BYTES));
        let many = "</a>; rel=prev,".repeat(MAX_LINKS + 1);
        let crowded = format!("</a>{}", ";a=b".repeat(MAX_PARAMETERS + 1));
        for value in [
            "/a; rel=next",
            "</a; rel=next",
            r#"</a>; rel="next"#,
            "</a> rel=next",
            "</a>; rel=next, </b>; rel=next",
            &long,
            &many,
            &crowded,
        ] {
            assert_eq!(next([value]).unwrap_err().code(), Code::ResponseInvalid, "{value}");
        }
        assert!(next(["</a>; rel=next", "</b>; rel=next"]).is_err());
    }
}
