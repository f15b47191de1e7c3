//! Peers in other languages, each in a process of its own: sigstore-python and `@sigstore/verify`, where they are installed.
//!
//! The scripts in `peers/` verify the same bytes in-process, warm, and report each call's time: what starting an interpreter takes
//! is not in it. A process cannot take turns of twenty calls with this one, so that each runs half of its rounds before a kind
//! and half after it: what disturbs the machine for long disturbs both. A thousand signatures would keep Node busy for ten seconds
//! and more a round, so that they are given a part of each kind's, spread evenly over all.

use crate::material::{Set, Who};
use crate::options::Options;
use crate::rounds::Times;
use crate::scratch::Scratch;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A peer that answers.
pub struct Outside {
    pub id: &'static str,
    /// With its version.
    pub name: String,
    program: PathBuf,
    arguments: Vec<PathBuf>,
    /// Signatures of a kind that it is given at most.
    share: usize,
}

/// Rounds that they take at most.
const ROUNDS: usize = 4;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

impl Outside {
    /// Those that are installed; of the others one line each, which says what is missing.
    pub fn installed(options: &Options) -> (Vec<Self>, Vec<String>) {
        let script = |name: &str| Path::new(SCRIPTS).join(name);
        let modules = options.node_modules.clone().unwrap_or_else(|| script("node_modules"));
        let (python, node) = (options.python.clone(), options.node.clone());
        let known = [
            ("sigstore-python", "sigstore-python", python, vec![script("sigstore_python.py")]),
            ("sigstore-js", "@sigstore/verify", node, vec![script("sigstore_verify.mjs"), modules]),
        ];
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (id, name, program, arguments) in known {
            let mut peer = Self { id, name: name.to_owned(), program, arguments, share: options.outside };
            match peer.ask(&[]) {
                Ok(answer) => {
                    peer.name = format!("{name} {}", answer["version"].as_str().unwrap_or("of no version"));
                    found.push(peer);
                }
                Err(why) => missing.push(format!("{name}: {why}")),
            }
        }
        (found, missing)
    }

    /// Runs the script, and takes its answer.
    fn ask(&self, more: &[&str]) -> Result<Value, String> {
        let mut command = Command::new(&self.program);
        let output = command.args(&self.arguments).args(more).stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("{}: {error}", self.program.display()))?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            // Python's error is its last line, Node's the first that names one.
            let named = errors.lines().rfind(|line| line.contains("Error"));
            return Err(named.or(errors.lines().last()).unwrap_or("ends without a word").trim().to_owned());
        }
        serde_json::from_slice(&output.stdout).map_err(|_| "its answer is no JSON".to_owned())
    }

    /// Verifies every sample of an exported set so many times: the microseconds of each call, by sample.
    fn verify(&self, folder: &Scratch, rounds: usize, samples: usize) -> Result<Vec<Vec<f64>>, String> {
        let folder = folder.path().to_str().ok_or("a folder whose name is text is needed")?;
        let answer = self.ask(&[folder, &rounds.to_string()])?;
        if let Some(refused) = answer["refused"].get(0) {
            let why = refused["why"].as_str().unwrap_or_default().replace('\n', " ");
            return Err(format!(
                "refuses {} of {samples}: {why:.160}",
                samples as u64 - answer["accepted"].as_u64().unwrap_or(0)
            ));
        }
        let calls = |sample: &Value| sample.as_array().map(|calls| calls.iter().filter_map(Value::as_f64).collect());
        let times: Option<Vec<Vec<f64>>> = answer["microseconds"].as_array().and_then(|all| all.iter().map(calls).collect());
        times
            .filter(|times| times.len() == samples && times.iter().all(|calls| calls.len() == rounds))
            .ok_or_else(|| "answers for other samples".to_owned())
    }
}

/// Of each sample the microseconds of its calls, or why there are none.
type Calls = Result<Vec<Vec<f64>>, String>;

/// The peers' part of one kind.
pub struct Half<'p> {
    peers: Vec<(&'p Outside, Calls)>,
    folder: Scratch,
    /// How many signatures they are given.
    pub samples: usize,
    rounds: usize,
}

impl<'p> Half<'p> {
    /// The rounds before the others'. None without peers.
    pub fn first(peers: &'p [Outside], set: &Set, rounds: usize) -> Result<Option<Self>, String> {
        let Some(share) = peers.iter().map(|peer| peer.share).min() else { return Ok(None) };
        let all = set.samples.len();
        let samples = share.clamp(1, all);
        let folder = export(set, (0..samples).map(|place| place * all / samples))?;
        let mut half = Self { peers: Vec::new(), folder, samples, rounds: rounds.min(ROUNDS).div_ceil(2) };
        for peer in peers {
            half.peers.push((peer, peer.verify(&half.folder, half.rounds, half.samples)));
        }
        Ok(Some(half))
    }

    /// The rounds after the others', and what came of all.
    pub fn second(self) -> Vec<(&'p Outside, Result<Times, String>)> {
        let Self { peers, folder, samples, rounds } = self;
        let again = |(peer, before): (&'p Outside, Calls)| {
            let times = before.and_then(|mut calls| {
                let after = peer.verify(&folder, rounds, samples)?;
                calls.iter_mut().zip(after).for_each(|(calls, after)| calls.extend(after));
                Ok(Times::of(&calls))
            });
            (peer, times)
        };
        peers.into_iter().map(again).collect()
    }
}

fn export(set: &Set, chosen: impl Iterator<Item = usize>) -> Result<Scratch, String> {
    let folder = Scratch::new()?;
    let mut samples = Vec::new();
    for (number, sample) in chosen.map(|number| (number, &set.samples[number])) {
        let (bundle, artifact) = (format!("{number}.bundle.json"), format!("{number}.artifact"));
        folder.write(&bundle, &sample.bundle)?;
        folder.write(&artifact, &sample.artifact)?;
        samples.push(json!({ "bundle": bundle, "artifact": artifact }));
    }
    let mut manifest = json!({ "samples": samples });
    match &set.who {
        Who::Identity { subject, issuer } => {
            manifest["identity"] = json!(subject);
            manifest["issuer"] = json!(issuer);
        }
        Who::Anybody => {}
        Who::Key { pem } => manifest["key"] = json!(pem),
    }
    folder.write("manifest.json", manifest.to_string().as_bytes())?;
    folder.write("trusted_root.json", &set.trusted_root)?;
    Ok(folder)
}
