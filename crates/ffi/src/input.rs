//! Text and bytes in both directions, always with their length.

use crate::error::Problem;
use std::ffi::c_char;

/// A text that the library owns: UTF-8, not terminated, never NULL. How long it lives says whoever returns it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct veriseal_str {
    /// The first byte. Not NULL, not even where `len` is 0.
    pub data: *const c_char,
    /// Bytes.
    pub len: usize,
}

impl veriseal_str {
    /// No text.
    pub(crate) const EMPTY: Self = Self { data: c"".as_ptr(), len: 0 };
}

impl From<&str> for veriseal_str {
    fn from(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), len: text.len() }
    }
}

/// Bytes that the library owns, never NULL. How long they live says whoever returns them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct veriseal_bytes {
    /// The first byte. Not NULL, not even where `len` is 0.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

impl veriseal_bytes {
    /// None.
    pub(crate) const EMPTY: Self = Self { data: c"".as_ptr().cast(), len: 0 };
}

impl From<&[u8]> for veriseal_bytes {
    fn from(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }
}

/// Bytes from C. NULL is allowed where the length is 0.
///
/// # Safety
/// `data` points to `len` bytes that nobody changes as long as the slice is used, or `len` is 0.
pub(crate) unsafe fn bytes<'a>(data: *const u8, len: usize, name: &'static str) -> Result<&'a [u8], Problem> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Problem::argument(name, "bytes", "NULL with a length"));
    }
    // No object is larger, so that this length is a mistake (a negative number, say), and no slice may have it.
    if isize::try_from(len).is_err() {
        return Err(Problem::argument(name, "a length of at most PTRDIFF_MAX", "a larger one"));
    }
    // SAFETY: not NULL, of a possible length, and readable by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// Text from C.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(data: *const c_char, len: usize, name: &'static str) -> Result<&'a str, Problem> {
    // SAFETY: by the caller's promise.
    let bytes = unsafe { bytes(data.cast(), len, name) }?;
    std::str::from_utf8(bytes).map_err(|_| Problem::argument(name, "UTF-8", "other bytes"))
}

/// Text from C that may not be empty.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn some_text<'a>(data: *const c_char, len: usize, name: &'static str) -> Result<&'a str, Problem> {
    // SAFETY: by the caller's promise.
    let text = unsafe { text(data, len, name) }?;
    if text.is_empty() { Err(Problem::argument(name, "a text", "none")) } else { Ok(text) }
}

/// A list of texts from C, each with its length. Not read as text yet: one that is none is a matter of its own.
pub(crate) struct Texts<'a> {
    data: &'a [*const c_char],
    lens: &'a [usize],
}

// SAFETY: the texts are read only, and the caller promises that nobody changes them during the call.
unsafe impl Sync for Texts<'_> {}

impl<'a> Texts<'a> {
    /// # Safety
    /// `data` and `lens` point to `count` values each, or `count` is 0.
    pub(crate) unsafe fn new(
        data: *const *const c_char,
        lens: *const usize,
        count: usize,
        name: &'static str,
    ) -> Result<Self, Problem> {
        if count == 0 {
            return Ok(Self { data: &[], lens: &[] });
        }
        if data.is_null() || lens.is_null() || !data.is_aligned() || !lens.is_aligned() {
            return Err(Problem::argument(name, "texts and their lengths", "NULL with a count"));
        }
        // As in `bytes`: no slice may be larger than any object.
        if count.checked_mul(size_of::<usize>()).is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            return Err(Problem::argument(name, "a count of at most PTRDIFF_MAX bytes", "a larger one"));
        }
        // SAFETY: not NULL, aligned, of a possible length, and readable by the caller's promise.
        Ok(unsafe { Self { data: std::slice::from_raw_parts(data, count), lens: std::slice::from_raw_parts(lens, count) } })
    }

    /// The text at a place, unread; NULL beyond the last.
    pub(crate) fn at(&self, index: usize) -> (*const c_char, usize) {
        match (self.data.get(index), self.lens.get(index)) {
            (Some(data), Some(len)) => (*data, *len),
            _ => (std::ptr::null(), 0),
        }
    }
}

/// A file's content, at most `max` bytes of it.
pub(crate) fn file(path: &str, max: u64, code: veriseal::Code) -> Result<Vec<u8>, Problem> {
    use std::io::Read;
    let refused = |found: String| veriseal::Failure::new(code).expected("a file that can be read").found(found).at(path);
    let opened = std::fs::File::open(path).map_err(|error| refused(error.to_string()))?;
    let mut content = Vec::new();
    opened.take(max.saturating_add(1)).read_to_end(&mut content).map_err(|error| refused(error.to_string()))?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > max {
        return Err(refused(format!("more than {max} bytes")).into());
    }
    Ok(content)
}
