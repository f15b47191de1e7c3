//! The plot: for each kind how long everybody takes, as bars, with the ratio to `sigstore-verify`.

use crate::contest::Contest;
use std::fmt::Write;

/// Who is drawn, in order, and how.
const DRAWN: [(&str, &str, &str); 6] = [
    ("native-tables", "veriseal, aws-lc-rs, prepared keys", "#1b6e53"),
    ("native", "veriseal, aws-lc-rs", "#3f9b7c"),
    ("pure-tables", "veriseal, pure Rust, prepared keys", "#2d5f9a"),
    ("pure", "veriseal, pure Rust", "#7fa8d6"),
    ("sigstore-verify", "sigstore-verify, aws-lc-rs", "#b4532a"),
    ("floor-native", "signature checks alone, aws-lc-rs", "#9a9a9a"),
];

const WIDTH: f64 = 760.0;
const LEFT: f64 = 250.0;
const BAR: f64 = 15.0;
const GAP: f64 = 34.0;

/// One group of bars a kind; the longest bar of all takes the width.
pub fn svg(contests: &[Contest], below: &str) -> String {
    let longest = contests.iter().flat_map(|contest| DRAWN.iter().filter_map(|(id, ..)| contest.quiet(id))).fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - 130.0) / longest;
    let mut body = String::new();
    let mut y = 30.0;
    for contest in contests {
        let _ = writeln!(body, r#"<text x="10" y="{y:.0}" font-weight="bold">{}</text>"#, escaped(&contest.name));
        y += 10.0;
        for (id, name, colour) in DRAWN {
            let Some(micros) = contest.quiet(id) else { continue };
            let width = (micros * scale).max(1.0);
            let ratio = contest.quiet("sigstore-verify").filter(|_| id != "sigstore-verify");
            let ratio = ratio.map_or_else(String::new, |peer| format!(" ({:.2} × as fast)", peer / micros));
            let ratio = if id.starts_with("floor") { String::new() } else { ratio };
            let text = y + BAR - 3.5;
            let _ = writeln!(body, r#"<text x="{:.0}" y="{text:.1}" text-anchor="end">{}</text>"#, LEFT - 8.0, escaped(name));
            let _ =
                writeln!(body, r#"<rect x="{LEFT}" y="{y:.1}" width="{width:.1}" height="{:.1}" fill="{colour}"/>"#, BAR - 2.0);
            let _ = writeln!(body, r#"<text x="{:.1}" y="{text:.1}">{micros:.0} µs{ratio}</text>"#, LEFT + width + 5.0);
            y += BAR;
        }
        y += GAP;
    }
    let _ = writeln!(body, r##"<text x="10" y="{:.0}" fill="#666">{}</text>"##, y - 8.0, escaped(below));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{:.0}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n",
        y + 6.0
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
