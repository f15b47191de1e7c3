//! The index of an uncompressed tar archive (POSIX.1-2024 `pax`: ustar and extended headers; GNU long names), and a
//! writer of deterministic ones.
//!
//! Our own hundred lines instead of a crate: nothing is ever unpacked, only the place of a few known names is looked up,
//! so that links, devices, modes and paths out of the folder (the trouble of tar readers) do not arise. Names that stand
//! twice are refused, since readers differ on which counts.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use veriseal::code::{Code, Failure};

const BLOCK: usize = 512;
/// Most members of an archive.
const MAX_MEMBERS: usize = 100_000;
/// Largest extended header or long name, in bytes.
const MAX_EXTENDED: u64 = 64 * 1024;

/// Where the content of a member lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// Reads the headers of an archive and returns the places of the regular files whose name `wanted` takes.
///
/// # Errors
/// [`Code::SourceInvalid`] for a compressed, cut or malformed archive, one with more than 100 000 members, and a wanted
/// name that stands twice or is a link.
pub(super) fn index(file: &mut (impl Read + Seek), wanted: impl Fn(&str) -> bool) -> Result<BTreeMap<String, Place>, Failure> {
    let unreadable = |error: io::Error| invalid(&error.to_string());
    let length = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let mut places = BTreeMap::new();
    let mut position: u64 = 0;
    let mut extended = Extended::default();
    let mut empty = true;
    for _ in 0..MAX_MEMBERS {
        let Some(block) = read_block(file, position, length).map_err(unreadable)? else {
            // Without the two closing blocks the archive may have been cut between two members.
            return Err(invalid("the end of the file before the end of the archive"));
        };
        if block.iter().all(|&byte| byte == 0) {
            return if empty { Err(invalid("an archive without members")) } else { Ok(places) };
        }
        let header = Header::parse(&block).ok_or_else(|| invalid(&not_a_header(&block, position)))?;
        empty = false;
        let size = extended.size.unwrap_or(header.size);
        let offset = position.saturating_add(BLOCK as u64);
        let end = offset.checked_add(size).filter(|&end| end <= length).ok_or_else(|| invalid("a member that is cut"))?;
        match header.kind {
            b'x' => extended.read_pax(&read_small(file, offset, size)?)?,
            b'L' => extended.name = Some(text(&read_small(file, offset, size)?)?),
            // Global headers and long link names concern nothing that is read here.
            b'g' | b'K' => {}
            kind => {
                let name = std::mem::take(&mut extended).name.map_or_else(|| header.name(), Ok)?;
                let name = name.trim_start_matches("./");
                if wanted(name) {
                    if !matches!(kind, 0 | b'0' | b'7') {
                        return Err(invalid("a link or another special member in place of a file").at(name));
                    }
                    if places.insert(name.to_owned(), Place { offset, size }).is_some() {
                        return Err(invalid("a name that stands twice").at(name));
                    }
                }
            }
        }
        position = end.checked_next_multiple_of(BLOCK as u64).ok_or_else(|| invalid("a member that is cut"))?;
    }
    Err(invalid("more than 100000 members"))
}

fn invalid(found: &str) -> Failure {
    Failure::new(Code::SourceInvalid).expected("an uncompressed tar archive").found(found)
}

fn not_a_header(block: &[u8; BLOCK], position: u64) -> String {
    match (position, &block[..4]) {
        (0, [0x1f, 0x8b, ..]) => "gzip: decompress it first".to_owned(),
        (0, [0x28, 0xb5, 0x2f, 0xfd]) => "zstd: decompress it first".to_owned(),
        (0, b"BZh1" | b"BZh9" | [0xfd, b'7', b'z', b'X']) => "a compressed file: decompress it first".to_owned(),
        _ => format!("something else at byte {position}"),
    }
}

fn read_block(file: &mut (impl Read + Seek), position: u64, length: u64) -> io::Result<Option<[u8; BLOCK]>> {
    if position.checked_add(BLOCK as u64).is_none_or(|end| end > length) {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(position))?;
    let mut block = [0; BLOCK];
    file.read_exact(&mut block)?;
    Ok(Some(block))
}

fn read_small(file: &mut (impl Read + Seek), offset: u64, size: u64) -> Result<Vec<u8>, Failure> {
    if size > MAX_EXTENDED {
        return Err(invalid("an extended header of more than 64 KiB"));
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.take(size).read_to_end(&mut bytes))
        .map_err(|error| invalid(&error.to_string()))?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Result<String, Failure> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8(bytes[..end].to_vec()).map_err(|_| invalid("a name that is not UTF-8"))
}

/// What an extended header says of the member after it.
#[derive(Default)]
struct Extended {
    name: Option<String>,
    size: Option<u64>,
}

impl Extended {
    /// Records of the form `<length> <key>=<value>\n`.
    fn read_pax(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        let malformed = || invalid("a malformed extended header");
        while !bytes.is_empty() {
            let space = bytes.iter().position(|&byte| byte == b' ').filter(|&space| space <= 6).ok_or_else(malformed)?;
            let length: usize =
                std::str::from_utf8(&bytes[..space]).ok().and_then(|text| text.parse().ok()).ok_or_else(malformed)?;
            let record = bytes.get(space + 1..length).and_then(|record| record.strip_suffix(b"\n")).ok_or_else(malformed)?;
            let equals = record.iter().position(|&byte| byte == b'=').ok_or_else(malformed)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.name = Some(text(value)?),
                b"size" => {
                    let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                    self.size = Some(digits.and_then(|text| text.parse().ok()).ok_or_else(malformed)?);
                }
                // GNU sparse files are not what they look like.
                key if key.starts_with(b"GNU.sparse.") => return Err(invalid("a sparse file")),
                _ => {}
            }
            bytes = &bytes[length..];
        }
        Ok(())
    }
}

struct Header<'a> {
    block: &'a [u8; BLOCK],
    kind: u8,
    size: u64,
}

impl<'a> Header<'a> {
    fn parse(block: &'a [u8; BLOCK]) -> Option<Self> {
        let stated = number(&block[148..156])?;
        let sum: u64 =
            block.iter().enumerate().map(|(at, &byte)| u64::from(if (148..156).contains(&at) { b' ' } else { byte })).sum();
        (sum == stated).then_some(())?;
        Some(Self { block, kind: block[156], size: number(&block[124..136])? })
    }

    fn name(&self) -> Result<String, Failure> {
        let name = text(&self.block[..100])?;
        let prefix = if &self.block[257..263] == b"ustar\0" { text(&self.block[345..500])? } else { String::new() };
        Ok(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
    }
}

/// Octal digits ended by NUL or space, or GNU's binary form.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] == 0x80 {
        let (zeroes, value) = field[1..].split_at(field.len() - 9);
        return zeroes.iter().all(|&byte| byte == 0).then(|| u64::from_be_bytes(value.try_into().unwrap_or([0xff; 8])));
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if text.bytes().all(|byte| matches!(byte, b'0'..=b'7')) { u64::from_str_radix(text, 8).ok() } else { None }
}

/// Writes regular files with fixed owner, mode and time, so that the same content gives the same archive.
pub(crate) struct Writer<W: Write>(W);

impl<W: Write> Writer<W> {
    pub(crate) fn new(out: W) -> Self {
        Self(out)
    }

    pub(crate) fn file(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        if name.len() > 100 {
            // What does not fit the old field (a SHA-512 digest) goes into an extended header.
            let record = pax_record("path", name);
            self.member(b'x', "pax", record.as_bytes())?;
        }
        self.member(b'0', &name[..name.len().min(100)], content)
    }

    /// Writes the two closing blocks.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.0.write_all(&[0; 2 * BLOCK])?;
        self.0.flush()?;
        Ok(self.0)
    }

    fn member(&mut self, kind: u8, name: &str, content: &[u8]) -> io::Result<()> {
        let mut block = [0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..108].copy_from_slice(b"0000644\0");
        block[108..116].copy_from_slice(b"0000000\0");
        block[116..124].copy_from_slice(b"0000000\0");
        let size = format!("{:011o}\0", content.len());
        if size.len() != 12 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file of more than 8 GiB"));
        }
        block[124..136].copy_from_slice(size.as_bytes());
        block[136..148].copy_from_slice(b"00000000000\0");
        block[148..156].fill(b' ');
        block[156] = kind;
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.write_all(&block)?;
        self.0.write_all(content)?;
        let padding = content.len().next_multiple_of(BLOCK) - content.len();
        self.0.write_all(&[0; BLOCK][..padding])
    }
}

/// A record states its own length, its digits included.
fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        for (name, content) in members {
            writer.file(name, content).unwrap();
        }
        writer.finish().unwrap()
    }

    fn found(bytes: &[u8]) -> Result<BTreeMap<String, Place>, Failure> {
        index(&mut file(bytes), |name| !name.ends_with('/'))
    }

    fn why(bytes: &[u8]) -> String {
        let failure = found(bytes).unwrap_err();
        assert_eq!(failure.code(), Code::SourceInvalid);
        failure.found_text().unwrap().to_owned()
    }

    /// Sets the checksum again after a header was changed.
    fn mend(bytes: &mut [u8], at: usize) {
        bytes[at + 148..at + 156].fill(b' ');
        let sum: u64 = bytes[at..at + BLOCK].iter().map(|&byte| u64::from(byte)).sum();
        bytes[at + 148..at + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }

    #[test]
    fn what_was_written_is_found_again() {
        let long = format!("blobs/sha512/{}", "a".repeat(128));
        let bytes = archive(&[("oci-layout", b"{}"), (&long, &[7; 600]), ("./empty", b"")]);
        let places = found(&bytes).unwrap();
        let content = |name: &str| {
            let place = places[name];
            &bytes[place.offset as usize..(place.offset + place.size) as usize]
        };
        assert_eq!(content("oci-layout"), b"{}");
        assert_eq!(content(&long), [7; 600]);
        assert_eq!(content("empty"), b"");
        assert_eq!(bytes, archive(&[("oci-layout", b"{}"), (&long, &[7; 600]), ("./empty", b"")]));
    }

    #[test]
    fn a_prefix_and_a_gnu_long_name_are_read() {
        let mut bytes = archive(&[("hex", b"x")]);
        bytes[345..357].copy_from_slice(b"blobs/sha256");
        mend(&mut bytes, 0);
        assert!(found(&bytes).unwrap().contains_key("blobs/sha256/hex"));

        let mut bytes = archive(&[("LongLink", b"long/name\0"), ("short", b"x")]);
        bytes[156] = b'L';
        mend(&mut bytes, 0);
        assert_eq!(found(&bytes).unwrap().into_keys().collect::<Vec<_>>(), ["long/name"]);
    }

    #[test]
    fn a_name_that_stands_twice_or_is_a_link_is_refused() {
        assert_eq!(why(&archive(&[("a", b"1"), ("./a", b"2")])), "a name that stands twice");
        for kind in [b'1', b'2', b'3', b'5', b'S'] {
            let mut bytes = archive(&[("a", b"")]);
            bytes[156] = kind;
            mend(&mut bytes, 0);
            assert_eq!(why(&bytes), "a link or another special member in place of a file");
        }
    }

    #[test]
    fn a_cut_or_altered_archive_is_refused() {
        let whole = archive(&[("a", &[1; 600]), ("b", b"2")]);
        assert_eq!(why(&whole[..1024]), "a member that is cut");
        assert_eq!(why(&whole[..2560]), "the end of the file before the end of the archive");
        assert_eq!(why(b""), "the end of the file before the end of the archive");
        assert_eq!(why(&[0; 1024]), "an archive without members");
        let mut altered = whole.clone();
        altered[0] = b'z';
        assert_eq!(why(&altered), "something else at byte 0");
        let mut altered = whole;
        altered[124..136].copy_from_slice(b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
        mend(&mut altered, 0);
        assert_eq!(why(&altered), "a member that is cut");
    }

    #[test]
    fn a_compressed_archive_is_named_as_such() {
        assert_eq!(why(&[&[0x1f, 0x8b, 8, 0], &[1; 600][..]].concat()), "gzip: decompress it first");
        assert_eq!(why(&[&[0x28, 0xb5, 0x2f, 0xfd], &[1; 600][..]].concat()), "zstd: decompress it first");
    }

    #[test]
    fn a_malformed_extended_header_is_refused() {
        for record in ["", "x path=a\n", "9 path=ab\n", "99 path=a\n", "7 path\n", "12 size=-1xx\n", "23 GNU.sparse.major=1\n"] {
            let mut bytes = archive(&[("pax", record.as_bytes()), ("a", b"1")]);
            bytes[156] = b'x';
            mend(&mut bytes, 0);
            if record.is_empty() {
                assert!(found(&bytes).unwrap().contains_key("a"));
            } else {
                why(&bytes);
            }
        }
    }
}
