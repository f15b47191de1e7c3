//! The plot: for each kind how long everybody takes, as bars, with the ratio to `sigstore-verify`.

use crate::contest::Contest;
use std::fmt::Write;

/// Who is drawn, in order, and how.
const DRAWN: [(&str, &str, &str); 8] = [
    ("native-tables", "veriseal, aws-lc-rs, prepared keys", "#1b6e53"),
    ("native", "veriseal, aws-lc-rs", "#3f9b7c"),
    ("pure-tables", "veriseal, pure Rust, prepared keys", "#2d5f9a"),
    ("pure", "veriseal, pure Rust", "#7fa8d6"),
    ("sigstore-verify", "sigstore-verify, aws-lc-rs", "#b4532a"),
    ("sigstore-python", "sigstore-python", "#8a5a83"),
    ("sigstore-js", "@sigstore/verify", "#a9854a"),
    ("floor-native", "signature checks alone, aws-lc-rs", "#9a9a9a"),
];

const WIDTH: f64 = 760.0;
const LEFT: f64 = 250.0;
const BAR: f64 = 15.0;
const GAP: f64 = 34.0;

/// Their bars would leave none to the others: they end at the width, with a mark.
const CUT: [&str; 3] = ["pure", "sigstore-python", "sigstore-js"];

/// What the figures are.
const TITLE: &str = "One verification where nothing disturbs it; in brackets how many times as fast as sigstore-verify";

/// One group of bars a kind; the longest bar of those that are not cut takes the width.
pub fn svg(contests: &[Contest], below: &[String]) -> String {
    let drawn = || DRAWN.iter().filter(|(id, ..)| !CUT.contains(id));
    let longest = contests.iter().flat_map(|contest| drawn().filter_map(|(id, ..)| contest.quiet(id))).fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - 160.0) / longest;
    let mut body = String::new();
    let _ = writeln!(body, r#"<text x="10" y="20" font-size="13" font-weight="bold">{TITLE}</text>"#);
    let mut y = 50.0;
    for contest in contests {
        let _ = writeln!(body, r#"<text x="10" y="{y:.0}" font-weight="bold">{}</text>"#, escaped(&contest.name));
        y += 10.0;
        for (id, name, colour) in DRAWN {
            let Some(micros) = contest.quiet(id) else { continue };
            let width = (micros.min(longest) * scale).max(1.0);
            let ratio = contest.quiet("sigstore-verify").filter(|_| id != "sigstore-verify");
            let ratio = ratio.map_or_else(String::new, |peer| format!(" ({:.2} × as fast)", peer / micros));
            let ratio = if id.starts_with("floor") { String::new() } else { ratio };
            let text = y + BAR - 3.5;
            let _ = writeln!(body, r#"<text x="{:.0}" y="{text:.1}" text-anchor="end">{}</text>"#, LEFT - 8.0, escaped(name));
            let _ =
                writeln!(body, r#"<rect x="{LEFT}" y="{y:.1}" width="{width:.1}" height="{:.1}" fill="{colour}"/>"#, BAR - 2.0);
            if micros > longest {
                let (x, end) = (LEFT + width - 14.0, y + BAR - 2.0);
                let _ = writeln!(body, r#"<path d="M{x:.1} {end:.1}l5 -13h4l-5 13z" fill="white"/>"#);
            }
            let _ = writeln!(body, r#"<text x="{:.1}" y="{text:.1}">{micros:.0} µs{ratio}</text>"#, LEFT + width + 5.0);
            y += BAR;
        }
        y += GAP;
    }
    for line in below {
        let _ = writeln!(body, r##"<text x="10" y="{:.0}" fill="#666">{}</text>"##, y - 8.0, escaped(line));
        y += BAR;
    }
    let height = y - 9.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height:.0}\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         role=\"img\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <title>{TITLE}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
