//! One kind of signature, everybody who can verify it, and what can be read from that.

use crate::floor::{Floor, Means};
use crate::machine::{Taken, Watch};
use crate::material::Set;
use crate::outside::{Half, Outside};
use crate::peers::SigstoreVerify;
use crate::rounds::{self, Contender, Times};
use crate::{native, pure};
use serde_json::{Value, json};
use veriseal::crypto::Backend;

/// What was measured of one kind.
pub struct Contest {
    pub id: String,
    pub name: String,
    pub samples: usize,
    pub rows: Vec<Row>,
    /// Who could not take part, and why.
    pub notes: Vec<String>,
    /// What else ran on the machine meanwhile.
    pub taken: Option<Taken>,
}

pub struct Row {
    pub id: &'static str,
    pub name: String,
    /// How many of the signatures it was given.
    pub samples: usize,
    pub times: Times,
}

/// Verifies every sample `rounds` times with everybody.
pub fn run(set: &Set, rounds: usize, outside: &[Outside]) -> Result<Contest, String> {
    let samples = set.samples.len();
    let mut notes = Vec::new();
    let (pure_generic, pure_tables) = (pure::Ours::new(set, false), pure::Ours::new(set, true));
    let (native_generic, native_tables) = (native::Ours::new(set, false), native::Ours::new(set, true));
    let verdicts = native::Ours::with_memory(set, true, native::Memory::Verdicts);
    let signatures = native::Ours::with_memory(set, true, native::Memory::Signatures);
    for number in 0..samples {
        if !native_generic.run(number) {
            return Err(format!("{}: veriseal refuses sample {number}: {}", set.name, native_generic.why(number)));
        }
    }
    let bundles = set.samples.iter().all(|sample| !sample.bundle.is_empty());
    let peer = if bundles { SigstoreVerify::new(set) } else { Err("it reads no signatures of the .sig layout".to_owned()) };
    #[cfg(feature = "sigstore-rs")]
    let other = match (bundles, set.image) {
        (true, false) => crate::peers::sigstore_rs::SigstoreRs::new(set),
        _ => Err("it verifies images only while it asks a registry".to_owned()),
    };
    let mut contenders = vec![
        Contender::new("native-tables", "veriseal, aws-lc-rs, prepared keys", |number| native_tables.run(number)),
        Contender::new("native", "veriseal, aws-lc-rs, generic keys", |number| native_generic.run(number)),
        Contender::new("native-report", "the first, with the report as JSON", |number| native_tables.run_and_report(number)),
        Contender::new("warm-signatures", "the first, signatures seen before", |number| signatures.run(number)),
        Contender::new("warm-verdict", "the first, verdict given before", |number| verdicts.run(number)),
        Contender::new("pure-tables", "veriseal, RustCrypto, prepared keys", |number| pure_tables.run(number)),
        Contender::new("pure", "veriseal, RustCrypto, generic keys", |number| pure_generic.run(number)),
    ];
    let known = set.samples.iter().all(|sample| !sample.checks.is_empty());
    let floors = [
        ("floor-native-tables", "primitives alone, aws-lc-rs, prepared", Means::Tables(Backend::AwsLcRs)),
        ("floor-native", "primitives alone, aws-lc-rs", Means::AwsLc),
        ("floor-pure-tables", "primitives alone, RustCrypto, prepared", Means::Tables(Backend::RustCrypto)),
        ("floor-pure", "primitives alone, RustCrypto", Means::RustCrypto),
    ];
    if known {
        for (id, name, means) in floors {
            let floor = Floor::new(set, means);
            contenders.push(Contender::new(id, name, move |number| floor.run(number)));
        }
    }
    match peer.as_ref().map_err(Clone::clone).and_then(|peer| peer.verdict(0).map(|()| peer)) {
        Ok(peer) => {
            contenders.push(Contender::new("sigstore-verify", "sigstore-verify 0.15.1, aws-lc-rs", |number| peer.run(number)))
        }
        Err(why) => notes.push(format!("sigstore-verify 0.15.1: {why}")),
    }
    #[cfg(feature = "sigstore-rs")]
    match other.as_ref().map_err(Clone::clone).and_then(|other| other.verdict(0).map(|()| other)) {
        Ok(other) => {
            notes.push("sigstore 0.15.0 checks neither promise nor proof nor checkpoint: not comparable".to_owned());
            contenders.push(Contender::new("sigstore", "sigstore 0.15.0 (checks less)", |number| other.run(number)));
        }
        Err(why) => notes.push(format!("sigstore 0.15.0: {why}")),
    }
    let watch = Watch::begin();
    let half = Half::first(if bundles { outside } else { &[] }, set, rounds)?;
    let times = rounds::run(&contenders, samples, rounds)?;
    let rows = contenders.iter().zip(times);
    let mut rows: Vec<Row> =
        rows.map(|(contender, times)| Row { id: contender.id, name: contender.name.clone(), samples, times }).collect();
    let given = half.as_ref().map_or(0, |half| half.samples);
    for (peer, times) in half.into_iter().flat_map(Half::second) {
        match times {
            Ok(times) => rows.push(Row { id: peer.id, name: peer.name.clone(), samples: given, times }),
            Err(why) => notes.push(format!("{}: {why}", peer.name)),
        }
    }
    Ok(Contest { id: set.id.clone(), name: set.name.clone(), samples, rows, notes, taken: watch.end() })
}

impl Contest {
    /// What one takes in quiet.
    pub fn quiet(&self, id: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.id == id).map(|row| row.times.quiet)
    }

    /// How much longer `of` takes than `than`.
    pub fn ratio(&self, of: &str, than: &str) -> Option<f64> {
        Some(self.quiet(of)? / self.quiet(than)?)
    }

    pub fn print(&self) {
        println!("\n{}: {} distinct, microseconds a call", self.name, self.samples);
        println!("  {:<42}{:>9}{:>9}{:>9}{:>9}{:>9}", "", "quiet", "min", "median", "/ floor", "/ peer");
        let cell = |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        for row in &self.rows {
            let floor = if row.id.starts_with("pure") { "floor-pure" } else { "floor-native" };
            let (floor, peer) = (self.ratio(row.id, floor), self.ratio(row.id, "sigstore-verify"));
            let Times { min, median, quiet } = row.times;
            let name =
                if row.samples == self.samples { row.name.clone() } else { format!("{}, {} of them", row.name, row.samples) };
            println!("  {name:<42}{quiet:>9.1}{min:>9.1}{median:>9.1}{:>9}{:>9}", cell(floor), cell(peer));
        }
        for note in &self.notes {
            println!("  {note}");
        }
        if let Some(taken) = &self.taken {
            println!("  meanwhile {taken}");
        }
    }

    pub fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let Times { min, median, quiet } = row.times;
            json!({ "id": row.id, "name": row.name, "samples": row.samples, "quiet": round(quiet), "min": round(min), "median": round(median) })
        });
        json!({
            "id": self.id, "name": self.name, "samples": self.samples,
            "microseconds": rows.collect::<Vec<_>>(), "notes": self.notes,
            "meanwhile": self.taken.as_ref().map(Taken::to_json),
        })
    }
}

/// To a hundredth.
pub fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
