//! The pass over the bytes, before serde sees them: doubled keys, depth, numbers, UTF-8.

use super::error::{JsonError, JsonRule};
use crate::encoding::Few;
use std::borrow::Cow;
use std::fmt;

/// Longest number, in characters; an honest one has at most 20 (K-DS-06).
const MAX_NUMBER: usize = 64;

/// As many keys as are sooner compared with each other than sorted: most differ in their length.
const FEW_KEYS: usize = 8;

/// Refuses doubled keys, keys of `names` in another case (but below those of `free`), nesting beyond `max_depth`, objects of
/// more than `max_keys` and endless numbers.
pub(super) fn scan(bytes: &[u8], (max_depth, max_keys): (usize, usize), names: &[&str], free: &[&str]) -> Result<(), JsonError> {
    let (stack, keys) = (Few::new(), Few::new());
    Scan { bytes, at: 0, max_depth, max_keys, names, free, stack, keys, under_free_key: false }.run()
}

/// One pass over the tokens. It is exact on JSON; what is not JSON it may misread, and serde refuses that afterwards.
struct Scan<'a, 'n> {
    bytes: &'a [u8],
    at: usize,
    max_depth: usize,
    max_keys: usize,
    names: &'n [&'n str],
    free: &'n [&'n str],
    /// With room for what an honest document opens at once, as the keys.
    stack: Few<Open, 8>,
    /// The keys of all open objects, innermost last.
    keys: Few<(Cow<'a, [u8]>, usize), 24>,
    /// Whether the last key seen is one of `free`.
    under_free_key: bool,
}

/// Whether some key stands there twice.
fn has_doubled(keys: &[(Cow<'_, [u8]>, usize)]) -> bool {
    keys.iter().enumerate().any(|(place, (key, _))| keys.iter().take(place).any(|(earlier, _)| earlier == key))
}

/// An object or array that is open.
#[derive(Default)]
struct Open {
    first_key: usize,
    is_free: bool,
}

impl<'a> Scan<'a, '_> {
    fn run(mut self) -> Result<(), JsonError> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => self.string()?,
                b'{' | b'[' => self.open()?,
                b'}' | b']' => self.close()?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => self.at = self.at.saturating_add(1),
            }
        }
        Ok(())
    }

    fn error(&self, offset: usize, rule: JsonRule, message: impl fmt::Display) -> JsonError {
        JsonError::at_offset(self.bytes, offset, rule, message)
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn open(&mut self) -> Result<(), JsonError> {
        if self.stack.len() >= self.max_depth {
            return Err(self.error(self.at, JsonRule::Depth, format_args!("nesting deeper than {}", self.max_depth)));
        }
        let parent_is_free = self.stack.last().is_some_and(|parent| parent.is_free);
        self.stack.push(Open { first_key: self.keys.len(), is_free: parent_is_free || self.under_free_key });
        self.under_free_key = false;
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn close(&mut self) -> Result<(), JsonError> {
        if let Some(open) = self.stack.pop() {
            if let Some(keys) = self.keys.get_mut(open.first_key..)
                && (keys.len() > FEW_KEYS || has_doubled(keys))
            {
                // Sorting keeps a flood of keys from costing the square of their number.
                keys.sort_unstable();
                let doubled = keys.iter().zip(keys.iter().skip(1)).find(|(left, right)| left.0 == right.0);
                if let Some((_, (key, offset))) = doubled {
                    let message = format!("doubled key `{}`", String::from_utf8_lossy(key));
                    return Err(JsonError::at_offset(self.bytes, *offset, JsonRule::DuplicateKey, message));
                }
            }
            self.keys.truncate(open.first_key);
        }
        self.under_free_key = false;
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let part = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let length = self.rest().iter().take_while(part).count();
        if length > MAX_NUMBER {
            return Err(self.error(self.at, JsonRule::Syntax, format_args!("a number of {length} characters")));
        }
        self.at = self.at.saturating_add(length);
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.at = self.at.saturating_add(1);
        let mut has_escape = false;
        loop {
            let Some(skip) = memchr::memchr2(b'"', b'\\', self.rest()) else {
                self.at = self.bytes.len();
                return Ok(());
            };
            self.at = self.at.saturating_add(skip);
            if self.bytes.get(self.at) == Some(&b'"') {
                break;
            }
            has_escape = true;
            self.at = self.at.saturating_add(2);
        }
        self.at = self.at.saturating_add(1);
        let next = self.rest().iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        if next == Some(&b':') {
            self.key(start, has_escape)?;
        }
        Ok(())
    }

    fn key(&mut self, start: usize, has_escape: bool) -> Result<(), JsonError> {
        let quoted = self.bytes.get(start..self.at).unwrap_or_default();
        let key = if has_escape {
            let text: String = serde_json::from_slice(quoted)
                .map_err(|_| self.error(start, JsonRule::Syntax, "a key that is not a string of Unicode"))?;
            Cow::Owned(text.into_bytes())
        } else {
            Cow::Borrowed(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default())
        };
        let is_free = self.stack.last().is_some_and(|open| open.is_free);
        let before = self.keys.len().saturating_sub(self.stack.last().map_or(0, |open| open.first_key));
        if before >= self.max_keys {
            return Err(self.error(start, JsonRule::TooMany, format_args!("an object of more than {} keys", self.max_keys)));
        }
        let other_case = |name: &&&str| key.eq_ignore_ascii_case(name.as_bytes()) && *key != *name.as_bytes();
        if !is_free && let Some(name) = self.names.iter().find(other_case) {
            let message = format!("key `{}` where `{name}` is meant", String::from_utf8_lossy(&key));
            return Err(self.error(start, JsonRule::KeyCase, message));
        }
        self.under_free_key = self.free.iter().any(|name| *key == *name.as_bytes());
        self.keys.push((key, start));
        Ok(())
    }
}
