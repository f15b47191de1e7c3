//! `cargo xtask trust-roots`: the newest published trust roots, byte for byte, with where they come from.
//!
//! The source is the crate `sigstore-trust-root`, whose authors walk the TUF repositories and publish what they end at. The
//! crate stays out of the product: only its published files are read, through a workspace of its own.

use crate::{cargo, metadata, output, root};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const SOURCE: &str = "sigstore-trust-root";

/// The media types that a trusted root may state.
const MEDIA_TYPES: &[&str] = &[
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

/// One trust root: the constant of the published crate, the file and constant here, and what it must hold to be current.
struct Wanted {
    published: &'static str,
    file: &'static str,
    constant: &'static str,
    about: &'static str,
    must_hold: &'static [(&'static str, &'static str)],
}

const WANTED: &[Wanted] = &[
    Wanted {
        published: "SIGSTORE_PRODUCTION_TRUSTED_ROOT",
        file: "sigstore",
        constant: "SIGSTORE",
        about: "Sigstore's public good instance (`*.sigstore.dev`).",
        must_hold: &[
            ("/tlogs", "https://rekor.sigstore.dev"),
            ("/tlogs", "https://log2025-1.rekor.sigstore.dev"),
            ("/ctlogs", "https://ctfe.sigstore.dev/2022"),
            ("/certificateAuthorities", "https://fulcio.sigstore.dev"),
            ("/timestampAuthorities", "https://timestamp.sigstore.dev/api/v1/timestamp"),
        ],
    },
    Wanted {
        published: "SIGSTORE_STAGING_TRUSTED_ROOT",
        file: "sigstore-staging",
        constant: "SIGSTORE_STAGING",
        about: "Sigstore's staging instance (`*.sigstage.dev`): for tests of signing tools, never for what runs.",
        must_hold: &[
            ("/tlogs", "https://rekor.sigstage.dev"),
            ("/ctlogs", "https://ctfe.sigstage.dev/2022-2"),
            ("/certificateAuthorities", "https://fulcio.sigstage.dev"),
            ("/timestampAuthorities", "https://timestamp.sigstage.dev/api/v1/timestamp"),
        ],
    },
    Wanted {
        published: "SIGSTORE_GITHUB_TRUSTED_ROOT",
        file: "github",
        constant: "GITHUB",
        about: "GitHub's own instance for artifact attestations of private repositories: no logs, timestamps only.",
        must_hold: &[("/certificateAuthorities", "fulcio.githubapp.com"), ("/timestampAuthorities", "timestamp.githubapp.com")],
    },
];

/// Writes the files; `date` is when the crate was published, where its changelog does not say.
pub(crate) fn run(date: Option<&str>) -> Result<ExitCode, String> {
    let workspace = root().join("xtask/trust-roots");
    for step in ["generate-lockfile", "fetch"] {
        output(cargo(&[step]).current_dir(&workspace))?;
    }
    let metadata = metadata(&workspace)?;
    let package = metadata["packages"].as_array().into_iter().flatten().find(|package| package["name"] == SOURCE);
    let package = package.ok_or(format!("{SOURCE} was not resolved"))?;
    let (Some(manifest), Some(version)) = (package["manifest_path"].as_str(), package["version"].as_str()) else {
        return Err(format!("{SOURCE}: no path or version"));
    };
    let folder = Path::new(manifest).parent().ok_or("no folder")?;
    let changelog = fs::read_to_string(folder.join("CHANGELOG.md")).unwrap_or_default();
    let stated = date.map(str::to_string).or_else(|| release_date(&changelog, version));
    let date = stated.ok_or(format!("{SOURCE} {version}: its changelog states no date; give it with --date YYYY-MM-DD"))?;

    let target = root().join("crates/core/src/trust");
    let mut items = String::new();
    for wanted in WANTED {
        let published = constant_file(&folder.join("src"), wanted.published)?;
        let bytes = fs::read(&published).map_err(|error| format!("{}: {error}", published.display()))?;
        let summary = examine(&bytes, wanted).map_err(|reason| format!("{}: {reason}", wanted.published))?;
        let copy = target.join("embedded").join(format!("{}.json", wanted.file));
        fs::write(&copy, &bytes).map_err(|error| format!("{}: {error}", copy.display()))?;
        let sha256 = sha256(&copy)?;
        println!("{}: {} bytes, sha256 {sha256}, {summary}", wanted.file, bytes.len());
        item(&mut items, wanted, &sha256);
    }
    let module = target.join("embedded.rs");
    fs::write(&module, module_text(version, &date, &items)).map_err(|error| format!("{}: {error}", module.display()))?;
    output(&mut cargo(&["fmt", "--all"]))?;
    println!("{SOURCE} {version}, published {date}");
    Ok(ExitCode::SUCCESS)
}

/// The date in the changelog's heading of `version`: `## [0.15.1](…) - 2026-10-23`.
fn release_date(changelog: &str, version: &str) -> Option<String> {
    let heading = format!("## [{version}]");
    let date = changelog.lines().find_map(|line| line.strip_prefix(&heading))?.rsplit_once(" - ")?.1.trim();
    let pattern = |(at, c): (usize, char)| if at == 4 || at == 7 { c == '-' } else { c.is_ascii_digit() };
    (date.len() == 10 && date.chars().enumerate().all(pattern)).then(|| date.to_string())
}

/// The file that `pub const NAME: &str = include_str!("…")` includes.
fn constant_file(source: &Path, name: &str) -> Result<PathBuf, String> {
    for entry in fs::read_dir(source).map_err(|error| error.to_string())?.flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let found = text.split_once(&format!("pub const {name}: &str =")).and_then(|(_, rest)| {
            let included = rest.trim_start().strip_prefix("include_str!(\"")?;
            Some(source.join(included.split_once('"')?.0))
        });
        if let Some(file) = found {
            return Ok(file);
        }
    }
    Err(format!("{SOURCE} has no constant {name} that includes a file"))
}

/// Checks that the bytes are a trusted root with the instances that make it current, and says what it holds.
fn examine(bytes: &[u8], wanted: &Wanted) -> Result<String, String> {
    let json: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let media_type = json["mediaType"].as_str().unwrap_or("");
    if !MEDIA_TYPES.contains(&media_type) {
        return Err(format!("the media type `{media_type}` is not a trusted root's"));
    }
    let instances = |kind: &str| json.pointer(kind).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (kind, address) in wanted.must_hold {
        let current = |instance: &&Value| {
            let validity = instance.pointer("/publicKey/validFor").or(instance.get("validFor"));
            let stated = instance["baseUrl"].as_str().or(instance["uri"].as_str()).unwrap_or("");
            stated == *address && validity.is_some_and(|validity| validity["start"].is_string() && validity.get("end").is_none())
        };
        if !instances(kind).iter().any(|instance| current(&instance)) {
            return Err(format!("{kind} has no {address} whose window is open: not current, or another document"));
        }
    }
    let count = |kind: &str| instances(kind).len();
    Ok(format!(
        "{} logs, {} CT logs, {} certificate authorities, {} timestamp authorities",
        count("/tlogs"),
        count("/ctlogs"),
        count("/certificateAuthorities"),
        count("/timestampAuthorities")
    ))
}

/// By the system's own tool: a crate for it would be compiled before every test run.
fn sha256(file: &Path) -> Result<String, String> {
    let said =
        output(Command::new("sha256sum").arg(file)).or_else(|_| output(Command::new("shasum").args(["-a", "256"]).arg(file)))?;
    let digest = said.split_whitespace().next().unwrap_or("").to_string();
    if digest.len() == 64 { Ok(digest) } else { Err(format!("no SHA-256 in `{said}`")) }
}

fn item(text: &mut String, wanted: &Wanted, sha256: &str) {
    let Wanted { file, constant, about, .. } = wanted;
    let _ = write!(
        text,
        "\n/// {about}\npub const {constant}: Embedded = Embedded {{\n    name: \"{file}\",\n    \
         json: include_str!(\"embedded/{file}.json\"),\n    sha256: \"{sha256}\",\n}};\n"
    );
}

fn module_text(version: &str, date: &str, items: &str) -> String {
    let all: Vec<&str> = WANTED.iter().map(|wanted| wanted.constant).collect();
    format!(
        "//! The trust roots that are compiled in, as they were published, and where they come from.
//!
//! Written by `cargo xtask trust-roots`: change nothing here. Nothing is parsed here, and nothing says that they are still
//! current: whoever verifies sees their age, and may give a newer file.

/// A trusted root as it was published.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {{
    /// The name by which it is asked for.
    pub name: &'static str,
    /// The document, byte for byte as published.
    pub json: &'static str,
    /// SHA-256 of the document in lower-case hex.
    pub sha256: &'static str,
}}

/// The published crate that the documents were taken from.
pub const SOURCE: &str = \"{SOURCE} {version}\";

/// The day that crate was published, in RFC 3339: the documents are at least this old.
pub const PUBLISHED: &str = \"{date}T00:00:00Z\";
{items}
/// All of them.
pub const ALL: &[Embedded] = &[{}];

#[cfg(test)]
mod tests {{
    use super::*;
    use crate::digest::Digest;
    use crate::time::UnixTime;

    #[test]
    fn the_documents_are_the_published_ones() {{
        for embedded in ALL {{
            assert_eq!(Digest::sha256(embedded.json.as_bytes()).hex(), embedded.sha256, \"{{}}\", embedded.name);
        }}
        assert!(UnixTime::parse_rfc3339(PUBLISHED).is_ok());
    }}
}}
",
        all.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_date_is_that_of_the_version_alone() {
        let changelog = "## [Unreleased]\n## [0.15.10](https://x) - 2027-01-01\n## [0.15.1](https://x/a - b) - 2026-10-23\n";
        assert_eq!(release_date(changelog, "0.15.1").as_deref(), Some("2026-10-23"));
        assert_eq!(release_date(changelog, "0.15.2"), None);
        assert_eq!(release_date("## [1.0.0] - soon", "1.0.0"), None);
    }

    #[test]
    fn a_root_whose_instance_is_missing_or_has_ended_is_refused() {
        let wanted =
            Wanted { published: "", file: "", constant: "", about: "", must_hold: &[("/tlogs", "https://rekor.example.com")] };
        let with = |media_type: &str, validity: Value| {
            let log = json!({"baseUrl": "https://rekor.example.com", "publicKey": {"validFor": validity}});
            json!({"mediaType": media_type, "tlogs": [log]}).to_string().into_bytes()
        };
        let open = json!({"start": "2021-01-12T11:53:27Z"});
        assert!(examine(&with(MEDIA_TYPES[0], open.clone()), &wanted).is_ok());
        assert!(examine(&with("application/json", open), &wanted).is_err());
        let ended = json!({"start": "2021-01-12T11:53:27Z", "end": "2022-01-12T11:53:27Z"});
        assert!(examine(&with(MEDIA_TYPES[0], ended), &wanted).is_err());
        assert!(examine(json!({"mediaType": MEDIA_TYPES[0]}).to_string().as_bytes(), &wanted).is_err());
    }
}
