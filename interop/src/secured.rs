//! docker-registry as companies run it: TLS with an own certificate authority, and a password for everything.

use crate::registry::Registry;
use crate::stage::{Cosign, Said, Stage};
use crate::{Failed, Tally, expect};
use serde_json::json;
use std::fs;
use std::path::Path;

const USER: &str = "robot";
const PASSWORD: &str = "canary-7c1e";

/// Everything, where there are openssl, htpasswd and skopeo, which pushes.
pub fn check(stage: &Stage, tally: &mut Tally) {
    let there =
        [("openssl", "version"), ("skopeo", "--version")].iter().all(|(name, asked)| stage.program(name, &[asked]).is_ok());
    if !there || !stage.has(Cosign::Two) || stage.program("htpasswd", &["-nbB", USER, PASSWORD]).is_err() {
        println!("skipped: secured::* (needs openssl, htpasswd, skopeo and cosign 2)");
        return;
    }
    match Secured::set(stage) {
        Ok(secured) => {
            tally.count("secured::a_signed_image_is_accepted_with_authority_and_password", secured.accepted());
            tally.count("secured::a_certificate_of_an_unknown_authority_is_no_registry", secured.unknown_authority());
            tally.count("secured::without_the_password_it_is_denied", secured.no_password());
            tally.count("secured::with_another_password_it_is_denied_and_no_secret_is_told", secured.other_password());
        }
        Err(failed) => tally.count("secured::the_registry_starts", Err(failed)),
    }
}

struct Secured<'s> {
    stage: &'s Stage,
    registry: Registry,
    digest: String,
}

impl<'s> Secured<'s> {
    /// An authority, a certificate for 127.0.0.1, a password file, and a signed image copied there by skopeo.
    fn set(stage: &'s Stage) -> Result<Self, Failed> {
        let folder = stage.folder().join("secured");
        fs::create_dir_all(&folder)?;
        let path = |name: &str| folder.join(name).display().to_string();
        for authority in ["ca", "other-ca"] {
            authority_at(stage, &path(authority))?;
        }
        let request = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=registry"];
        stage.program("openssl", &[&request[..], &["-keyout", &path("key.pem"), "-out", &path("request.pem")]].concat())?;
        fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")?;
        let (ca, ca_key) = (path("ca.pem"), path("ca.key"));
        let sign = ["x509", "-req", "-days", "2", "-CAcreateserial", "-CA", &ca, "-CAkey", &ca_key];
        let files = ["-in", &path("request.pem"), "-extfile", &path("names"), "-out", &path("cert.pem")];
        stage.program("openssl", &[&sign[..], &files[..]].concat())?;
        fs::write(folder.join("htpasswd"), stage.program("htpasswd", &["-nbB", USER, PASSWORD])?.trim_end().to_owned() + "\n")?;
        let http = format!("  tls: {{certificate: {}, key: {}}}\n", path("cert.pem"), path("key.pem"));
        let more = format!("auth: {{htpasswd: {{realm: interop, path: {}}}}}\n", path("htpasswd"));
        let registry = Registry::start_configured(&folder, &http, &more)?;
        for (name, password) in [("config.json", PASSWORD), ("other.json", "canary-other")] {
            let auth = base64(format!("{USER}:{password}").as_bytes());
            fs::write(folder.join(name), json!({"auths": {&registry.host: {"auth": auth}}}).to_string())?;
        }
        let digest = stage.push("secured", "1.0", "secured")?;
        stage.sign(Cosign::Two, "secured", &digest)?;
        let credentials = format!("{USER}:{PASSWORD}");
        for tag in ["1.0".to_owned(), format!("{}.sig", digest.replace(':', "-"))] {
            let flags = ["copy", "--quiet", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"];
            let from = format!("docker://{}/secured:{tag}", stage.registry.host);
            let to = format!("docker://{}/secured:{tag}", registry.host);
            stage.program("skopeo", &[&flags[..], &["--dest-creds", &credentials, &from, &to]].concat())?;
        }
        Ok(Self { stage, registry, digest })
    }

    fn verify(&self, flags: &[&str]) -> Result<Said, Failed> {
        let image = format!("{}/secured:1.0", self.registry.host);
        let said = self.stage.verify_source(&image, "ignored", &[&["--key", "cosign.pub"], flags].concat())?;
        if said.text.contains("canary") || said.text.contains(&base64(format!("{USER}:{PASSWORD}").as_bytes())) {
            return Err(Failed("a password is told".into()));
        }
        Ok(said)
    }

    fn accepted(&self) -> Result<(), Failed> {
        let own = format!("{}=secured/ca.pem", self.registry.host);
        for ca in ["secured/ca.pem", own.as_str()] {
            for only in [&["--only-registry-ca"][..], &[]] {
                let flags = [&["--registry-ca", ca, "--registry-config", "secured/config.json"], only].concat();
                let said = self.verify(&flags)?;
                let pinned = format!("{}/secured@{}", self.registry.host, self.digest);
                if said.exit != 0 || said.report["subject"]["pinned"] != pinned.as_str() {
                    return Err(Failed(format!("expected {pinned}, found exit {}: {}", said.exit, said.text)));
                }
            }
        }
        Ok(())
    }

    fn unknown_authority(&self) -> Result<(), Failed> {
        for flags in [&[][..], &["--registry-ca", "secured/other-ca.pem"]] {
            let said = self.verify(&[&["--registry-config", "secured/config.json"], flags].concat())?;
            expect(&said, 3, "UNAVAILABLE")?;
        }
        Ok(())
    }

    fn no_password(&self) -> Result<(), Failed> {
        expect(&self.verify(&["--registry-ca", "secured/ca.pem"])?, 3, "DENIED")
    }

    fn other_password(&self) -> Result<(), Failed> {
        expect(&self.verify(&["--registry-ca", "secured/ca.pem", "--registry-config", "secured/other.json"])?, 3, "DENIED")
    }
}

fn authority_at(stage: &Stage, path: &str) -> Result<(), Failed> {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (certificate, key, subject) = (format!("{path}.pem"), format!("{path}.key"), format!("/CN=interop {name}"));
    let made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject.as_str()];
    let usage = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
    stage.program("openssl", &[&made[..], &usage[..], &["-keyout", &key, "-out", &certificate]].concat()).map(drop)
}

/// Standard base64 (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = (word >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= chunk.len() { char::from(ALPHABET[digit]) } else { '=' });
        }
    }
    text
}
