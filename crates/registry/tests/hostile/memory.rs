//! Memory: what a registry sends beyond the bounds is never held (K-DS-02).

use super::server::{Stream, head, reply};
use super::stand::{Kind, Stand};
use super::*;
use veriseal_testkit::scenario::key_signed;

/// More than is held at rest.
const CEILING_KIB: u64 = 32 * 1024;
const NAME: &str = "memory::bodies_without_end_are_never_held";

/// The most memory that this process ever held, in KiB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn endless(stream: &mut dyn Stream) {
    let spaces = [b' '; 1 << 16];
    while stream.write_all(&spaces).is_ok() {}
}

/// Runs itself again, alone in a process, whose peak is then that of this test.
#[test]
fn bodies_without_end_are_never_held() {
    if peak().is_none() {
        println!("skipped: this system does not tell the peak of a process");
        return;
    }
    if std::env::var_os("VERISEAL_TEST_MEMORY").is_none() {
        let again = std::process::Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture"])
            .env("VERISEAL_TEST_MEMORY", "1")
            .output()
            .unwrap();
        assert!(again.status.success(), "{again:?}");
        print!("{}", String::from_utf8_lossy(&again.stdout));
        return;
    }
    // Everything that is made once is made.
    for with_tls in [false, true] {
        let stand = Stand::start(with_tls, key_signed(), |_, _| false);
        assert_eq!(stand.verify(&stand.by_tag()).report.code(), Code::Accepted);
    }
    let idle = peak().unwrap();
    for with_tls in [false, true] {
        for (kind, with_length, expected) in [
            (Kind::Image, true, Code::TooLarge),
            (Kind::Image, false, Code::TooLarge),
            (Kind::Blob, true, Code::SizeMismatch),
            (Kind::Blob, false, Code::SizeMismatch),
            (Kind::Signatures, false, Code::TooLarge),
            (Kind::Referrers, true, Code::Accepted),
        ] {
            let stand = Stand::start(with_tls, key_signed(), move |ask, stream| {
                let decides = ask.kind == kind && ask.authorized;
                if decides {
                    let length = if with_length { vec![("Content-Length", "1073741824")] } else { Vec::new() };
                    let _ = stream.write_all(&head(200, &[&[("Content-Type", INDEX)], length.as_slice()].concat()));
                    endless(stream);
                }
                decides
            });
            let outcome = stand.verify(&stand.by_tag());
            assert_eq!(outcome.report.code(), expected, "{kind:?}: {}", outcome.report.to_json());
        }
    }
    // Many at a time share the room of a few.
    let mut scenario = key_signed();
    for n in 0..24_u32 {
        let mut entry = veriseal_testkit::image::descriptor(MANIFEST, &Digest::sha256(&n.to_be_bytes()), 4 << 20);
        entry["artifactType"] = serde_json::json!(veriseal_testkit::store::BUNDLE);
        scenario.store.referrers.entry(scenario.image.digest).or_default().push(entry);
    }
    let stand = Stand::start(false, scenario, |ask, stream| {
        let decides = ask.kind == Kind::Manifest && ask.authorized;
        if decides {
            let _ = stream.write_all(&head(200, &[("Content-Type", MANIFEST)]));
            endless(stream);
        }
        decides
    });
    let registry = stand.builder().deadline(Duration::from_secs(30)).build().unwrap();
    let outcome = stand.verify_with(&stand.by_tag(), &registry);
    assert_eq!(outcome.report.code(), Code::Accepted, "{}", outcome.report.to_json());
    assert!(outcome.bytes > 24 << 22, "each was read up to its bound");
    // A token, too.
    let stand = Stand::start(false, key_signed(), |ask, stream| {
        if ask.kind == Kind::Other {
            let _ = stream.write_all(&head(200, &[]));
            endless(stream);
        } else {
            let realm = format!(r#"Bearer realm="http://{}/token""#, ask.seen.header("host").unwrap());
            let _ = stream.write_all(&reply(401, &[("WWW-Authenticate", &realm)], b""));
        }
        true
    });
    assert_eq!(stand.verify(&stand.by_tag()).report.code(), Code::ResponseInvalid);
    let above = peak().unwrap() - idle;
    println!("peak {above} KiB above idle ({idle} KiB)");
    assert!(above < CEILING_KIB, "{above} KiB above idle");
}
