//! A real registry on a free loopback port, and just enough of the distribution API to put things into it.
//!
//! Debian's docker-registry has no referrers API, so what is found by subject is found through the fallback tag there;
//! go-containerregistry's, built from `interop/referrers`, has one.

use crate::Failed;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

const START: Duration = Duration::from_secs(20);

/// A running registry; it ends with this value.
pub struct Registry {
    process: Child,
    /// The one with the API serves until this is closed.
    _open: Option<ChildStdin>,
    /// `127.0.0.1:PORT`.
    pub host: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An answer of the registry.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Registry {
    /// Starts the one with the referrers API. It says first where it listens.
    pub fn start_with_referrers(program: &Path) -> Result<Self, Failed> {
        let spawned = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = spawned.map_err(|error| Failed(format!("{}: {error}", program.display())))?;
        let open = process.stdin.take();
        let mut host = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut host)?;
        }
        Ok(Self { process, _open: open, host: host.trim().to_owned() })
    }

    /// Starts docker-registry with its files under `folder`, speaking plain HTTP to everybody.
    pub fn start(folder: &Path) -> Result<Self, Failed> {
        Self::start_configured(folder, "", "")
    }

    /// The same with further lines of its configuration, below `http` and at the top. Its log says which port it was given.
    pub fn start_configured(folder: &Path, http: &str, more: &str) -> Result<Self, Failed> {
        let config = folder.join("registry.yml");
        let files = folder.join("registry");
        fs::write(
            &config,
            format!(
                "version: 0.1\nlog: {{level: info, formatter: json, accesslog: {{disabled: true}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp:\n  addr: 127.0.0.1:0\n{http}{more}",
                files.display()
            ),
        )?;
        let log = folder.join("registry.log");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .map_err(|error| Failed(format!("docker-registry: {error}")))?;
        let mut registry = Self { process, _open: None, host: String::new() };
        let begun = Instant::now();
        while begun.elapsed() < START {
            let said = fs::read_to_string(&log)?;
            if let Some((_, rest)) = said.split_once("listening on ") {
                registry.host = rest.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
                return Ok(registry);
            }
            if registry.process.try_wait()?.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Failed(format!("docker-registry did not start: {}", fs::read_to_string(&log)?)))
    }

    /// Stores bytes as a blob and answers their digest.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Result<String, Failed> {
        let digest = digest(bytes);
        let begun = self.call("POST", &format!("/v2/{repository}/blobs/uploads/"), None, &[], 202)?;
        let location = begun.header("location").ok_or_else(|| Failed("an upload without a location".into()))?;
        let path = location.split_once(&self.host).map_or(location, |(_, path)| path);
        let joint = if path.contains('?') { '&' } else { '?' };
        self.call("PUT", &format!("{path}{joint}digest={digest}"), Some("application/octet-stream"), bytes, 201)?;
        Ok(digest)
    }

    /// Stores bytes as a manifest under a tag and answers their digest.
    pub fn put_manifest(&self, repository: &str, tag: &str, media_type: &str, bytes: &[u8]) -> Result<String, Failed> {
        self.call("PUT", &format!("/v2/{repository}/manifests/{tag}"), Some(media_type), bytes, 201)?;
        Ok(digest(bytes))
    }

    /// A manifest or an index, byte for byte.
    pub fn manifest(&self, repository: &str, reference: &str) -> Result<Vec<u8>, Failed> {
        Ok(self.call("GET", &format!("/v2/{repository}/manifests/{reference}"), None, &[], 200)?.body)
    }

    fn call(&self, method: &str, path: &str, kind: Option<&str>, body: &[u8], wanted: u16) -> Result<Answer, Failed> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(START))?;
        let kind = kind.map_or(String::new(), |kind| format!("Content-Type: {kind}\r\n"));
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: {MANIFEST}, {INDEX}\r\n{kind}Content-Length: {}\r\n\r\n",
            self.host,
            body.len()
        )?;
        stream.write_all(body)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let answer = Answer::read(&bytes).ok_or_else(|| Failed(format!("{method} {path}: no HTTP answer")))?;
        if answer.status == wanted {
            return Ok(answer);
        }
        Err(Failed(format!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body))))
    }
}

impl Answer {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, head, body: bytes[end + 4..].to_vec() })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// `sha256:` and the hash in hex.
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
