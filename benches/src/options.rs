//! The command line.

use std::path::PathBuf;

pub const USAGE: &str = "\
benches compare [options]     veriseal beside its peers and the primitives, interleaved, in one run
  --count N                   distinct signatures of each kind (1000)
  --rounds N                  how often each is verified by everybody (7)
  --only ID                   one kind: keyless-v1, dsse-v1, keyless-v2, key-v1, image-sig, image-bundle, real; or one of
                              the rest: once, blobs, batches, many, allocations, command
  --json FILE                 writes everything as JSON
  --svg FILE                  draws the ratios
  --without-command           leaves out what needs the veriseal command to be built: sizes and start-up
  --python PATH               an interpreter that has sigstore-python (python3)
  --outside N                 of each kind so many signatures for those two, spread evenly (200)
  --node PATH                 Node (node)
  --node-modules DIR          where @sigstore/verify, bundle and protobuf-specs are installed (peers/node_modules)
  --quick                     40 signatures, 2 rounds, and nothing that has to be built first
";

/// What `--only` takes.
const PARTS: [&str; 13] = [
    "keyless-v1",
    "dsse-v1",
    "keyless-v2",
    "key-v1",
    "image-sig",
    "image-bundle",
    "real",
    "once",
    "blobs",
    "batches",
    "many",
    "allocations",
    "command",
];

pub struct Options {
    pub count: usize,
    pub rounds: usize,
    /// Signatures of a kind that peers in other languages are given.
    pub outside: usize,
    pub only: Option<String>,
    pub json: Option<PathBuf>,
    pub svg: Option<PathBuf>,
    pub command: bool,
    pub quick: bool,
    pub python: PathBuf,
    pub node: PathBuf,
    pub node_modules: Option<PathBuf>,
}

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            count: 1000,
            rounds: 7,
            outside: 200,
            only: None,
            json: None,
            svg: None,
            command: true,
            quick: false,
            python: "python3".into(),
            node: "node".into(),
            node_modules: None,
        };
        if arguments.next().as_deref() != Some("compare") {
            return Err(USAGE.to_owned());
        }
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} takes a value\n{USAGE}"));
            let number = |text: String| text.parse().map_err(|_| format!("{text} is no number\n{USAGE}"));
            match argument.as_str() {
                "--count" => options.count = number(value()?)?,
                "--rounds" => options.rounds = number(value()?)?,
                "--outside" => options.outside = number(value()?)?,
                "--only" => {
                    let only = value()?;
                    if !PARTS.contains(&only.as_str()) {
                        return Err(format!("{only} is no part of this\n{USAGE}"));
                    }
                    options.only = Some(only);
                }
                "--json" => options.json = Some(value()?.into()),
                "--svg" => options.svg = Some(value()?.into()),
                "--python" => options.python = value()?.into(),
                "--node" => options.node = value()?.into(),
                "--node-modules" => options.node_modules = Some(value()?.into()),
                "--without-command" => options.command = false,
                "--quick" => (options.quick, options.count, options.rounds) = (true, 40, 2),
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(options)
    }

    /// Whether a part is wanted.
    pub fn wants(&self, id: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == id)
    }
}
