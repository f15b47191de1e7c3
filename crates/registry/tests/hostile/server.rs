//! A tiny HTTP server on threads that answers whatever a test wants, sense or nonsense, over TCP or TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }
}

/// What a connection is, with or without TLS.
pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// One server on a free port of this machine; it lives as long as the test process.
pub struct Server {
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers every request with what `answer` makes of it and of the number of requests before it.
    pub fn start(answer: impl Fn(&Seen, usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::raw(None, move |seen, count, stream| {
            let _ = stream.write_all(&answer(seen, count));
        })
    }

    /// Lets `serve` write to the connection as it likes; the connection is closed after it.
    pub fn raw(
        tls: Option<Arc<rustls::ServerConfig>>,
        serve: impl Fn(&Seen, usize, &mut dyn Stream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (serve, seen_log) = (Arc::new(serve), Arc::clone(&log));
        thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let (serve, log, tls) = (Arc::clone(&serve), Arc::clone(&seen_log), tls.clone());
                let mut tcp = tcp;
                thread::spawn(move || match tls {
                    None => connection(&mut tcp, &*serve, &log),
                    Some(config) => {
                        let session = rustls::ServerConnection::new(config).unwrap();
                        let mut stream = rustls::StreamOwned::new(session, tcp);
                        connection(&mut stream, &*serve, &log);
                        // Without it every answer that ends with the connection would look cut off.
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                });
            }
        });
        Self { address, log }
    }

    /// `127.0.0.1:<port>`.
    pub fn name(&self) -> String {
        self.address.to_string()
    }

    /// The same server under a name that is another origin.
    pub fn other_name(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.log.lock().unwrap().clone()
    }
}

fn connection(stream: &mut impl Stream, serve: &dyn Fn(&Seen, usize, &mut dyn Stream), log: &Mutex<Vec<Seen>>) {
    let Some(seen) = read_request(stream) else {
        // What servers answer to a TLS handshake that they do not expect.
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.flush();
        // Unread data at the end would reset the connection before the answer is read.
        let _ = std::io::copy(stream, &mut std::io::sink());
        return;
    };
    let count = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len() - 1
    };
    serve(&seen, count, stream);
    let _ = stream.flush();
}

fn read_request(stream: &mut impl Read) -> Option<Seen> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0
            || (byte[0].is_ascii_control() && !byte[0].is_ascii_whitespace())
            || head.len() > 64 * 1024
        {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Seen { method, target, headers, body: String::from_utf8(body).ok()? })
}

/// A whole answer with a right `Content-Length`.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = head(status, headers);
    let at = bytes.len() - 2;
    bytes.splice(at..at, format!("Content-Length: {}\r\n", body.len()).into_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The head of an answer, without any length.
pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A port on which nobody listens.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Writes one byte every so often until the other side has enough, or this has.
pub(crate) fn drip(stream: &mut dyn Stream, pause: Duration, times: usize) {
    for _ in 0..times {
        thread::sleep(pause);
        if stream.write_all(b" ").and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}
