//! `veriseal demo`.

use crate::stage::veriseal;

#[test]
fn the_demo_shows_every_verdict_with_its_reason() {
    let said = veriseal(["demo"]);
    assert_eq!((said.exit, said.err.as_str()), (0, ""), "{said:?}");
    let line = |start: &str| {
        let mut lines = said.out.lines().skip_while(|line| !line.starts_with(start));
        let found = lines.next().unwrap_or_else(|| panic!("no line {start:?} in {}", said.out));
        format!("{found}\n{}", lines.take_while(|line| line.starts_with("     ")).collect::<Vec<_>>().join("\n"))
    };
    for (start, reason) in [
        ("ACCEPTED   shop/api:1.0 ", "signed by the key release.pub at 2026-01-15T12:00:00Z, entry "),
        ("ACCEPTED   shop/web:1.0 ", "signed by the identity at 2026-01-15T12:00:00Z"),
        ("REJECTED   shop/cron:1.0 ", "NO_SIGNATURE: "),
        ("REJECTED   shop/login:1.0 ", "SIGNED_OTHER_DIGEST: "),
        ("REJECTED   shop/mail:1.0 ", "IDENTITY_MISMATCH: "),
        ("REJECTED   shop/stock:1.0 ", "NO_SIGNATURE: "),
        ("ACCEPTED   shop/stock:1.0@sha256:", "notice TAG_MOVED: "),
        ("UNDECIDED  shop/cart:1.0 ", "DENIED: "),
    ] {
        assert!(line(start).contains(reason), "{start:?} without {reason:?}: {}", said.out);
    }
    assert!(said.out.contains("The clock of the demo stands still at 2026-01-16T12:00:00Z"), "{}", said.out);
    assert!(said.out.contains("veriseal verify --key cosign.pub IMAGE"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "colours although this is no terminal");
    assert!(said.out.lines().all(|line| line.chars().count() <= 120), "{}", said.out);
}
