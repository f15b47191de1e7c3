//! What one call allocates, by kind and contender, as JSON. A program of its own: the counter stands in the way of nothing that
//! is timed.

use allocation_counter::measure;
use benches::material::{Kind, Set};
use benches::peers::SigstoreVerify;
use benches::{native, pure};
use serde_json::{Value, json};

/// A few are enough: samples of one kind differ by a few bytes.
const SAMPLES: usize = 8;

fn main() {
    let rows: Vec<Value> = Kind::ALL.iter().flat_map(|kind| of(*kind)).collect();
    println!("{}", Value::Array(rows));
}

fn of(kind: Kind) -> Vec<Value> {
    let set = Set::make(kind, SAMPLES);
    let mut rows = Vec::new();
    let mut count = |id: &str, run: &dyn Fn(usize) -> bool| {
        // Twice: what is built once is not what a call takes.
        let counted = (0..2 * SAMPLES).map(|number| {
            let mut accepted = false;
            let info = measure(|| accepted = run(number % SAMPLES));
            assert!(accepted, "{id} does not accept {}", set.name);
            info
        });
        let counted: Vec<_> = counted.skip(SAMPLES).collect();
        let most = |value: &dyn Fn(&allocation_counter::AllocationInfo) -> u64| counted.iter().map(value).max();
        rows.push(json!({
            "kind": set.id, "id": id, "inputBytes": set.samples[0].bundle.len(),
            "allocations": most(&|info| info.count_total),
            "bytes": most(&|info| info.bytes_total),
            "peakBytes": most(&|info| info.bytes_max),
        }));
    };
    let (generic, tables) = (native::Ours::new(&set, false), native::Ours::new(&set, true));
    let rust = pure::Ours::new(&set, false);
    count("native-tables", &|number| tables.run(number));
    count("native", &|number| generic.run(number));
    count("pure", &|number| rust.run(number));
    if !set.samples[0].bundle.is_empty() {
        let peer = SigstoreVerify::new(&set).expect("a trusted root");
        count("sigstore-verify", &|number| peer.run(number));
    }
    rows
}
