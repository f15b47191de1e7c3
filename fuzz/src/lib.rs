//! What is fuzzed, as functions over bytes. Each panics where a property does not hold; what they are given is anybody's.
//!
//! libFuzzer calls them through `fuzz_targets/`; the program `plain` calls them on any toolchain, over the seeds and simple
//! mutations of them.

#![deny(unsafe_code)]

mod capi;
mod documents;
mod logs;
mod primitives;
mod registries;
mod seeds;
mod whole;

pub use seeds::seeds;

/// A target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("bundle_json", documents::bundle_json),
    ("trusted_root_json", documents::trusted_root_json),
    ("simple_signing", documents::simple_signing),
    ("dsse_envelope", documents::dsse_envelope),
    ("intoto_statement", documents::intoto_statement),
    ("oci_manifest_index", documents::oci_manifest_index),
    ("policy_file", documents::policy_file),
    ("evidence_file", documents::evidence_file),
    ("strict_json", documents::strict_json),
    ("reference_digest", registries::reference_digest),
    ("www_authenticate", registries::www_authenticate),
    ("admission_review", registries::admission_review),
    ("cert_der_profile", primitives::cert_der_profile),
    ("rfc3161_token", primitives::rfc3161_token),
    ("public_key", primitives::public_key),
    ("base64_text", primitives::base64_text),
    ("backends", primitives::backends),
    ("checkpoint_note", logs::checkpoint_note),
    ("tlog_body", logs::tlog_body),
    ("merkle_proof", logs::merkle_proof),
    ("verify_bundle", whole::verify_bundle),
    ("verify_image", whole::verify_image),
    ("capi_sequence", capi::capi_sequence),
];

/// The target of this name.
///
/// # Panics
/// Where there is none: a name is written down in one of our own files.
#[must_use]
pub fn target(name: &str) -> fn(&[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no target is called {name}")).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first seed of each is what its target is about: it must be read as that, or the target reaches nothing.
    #[test]
    fn every_target_takes_its_seeds() {
        for (name, run) in TARGETS {
            let seeds = seeds(name);
            assert!(!seeds.is_empty(), "{name} has no seed");
            seeds.iter().for_each(|seed| run(seed));
        }
    }

    #[test]
    fn every_target_takes_its_corpus() {
        for (name, run) in TARGETS {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
            let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert!(!files.is_empty(), "{name} has no corpus: plain --write-seeds fuzz/corpus");
            files.iter().for_each(|file| run(&std::fs::read(file).unwrap()));
        }
    }

    #[test]
    fn every_target_has_a_file_for_libfuzzer() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz_targets");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".rs").to_owned())
            .collect();
        files.sort();
        let mut names: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        names.sort();
        assert_eq!(files, names);
    }
}
