//! One contender by itself, for `perf record` and `valgrind --tool=callgrind`: `profile KIND CONTENDER CALLS`.

use benches::floor::{Floor, Means};
use benches::material::{Kind, Set};
use benches::peers::SigstoreVerify;
use benches::{native, pure};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, contender, calls] = arguments.as_slice() else { panic!("profile KIND CONTENDER CALLS") };
    let kind = Kind::ALL.into_iter().find(|known| known.id() == kind).expect("a kind: keyless-v1 and so on");
    let calls: usize = calls.parse().expect("a number of calls");
    let set = Set::make(kind, 40);
    let run: Box<dyn Fn(usize) -> bool> = match contender.as_str() {
        "native" | "native-tables" => {
            let ours = native::Ours::new(&set, contender == "native-tables");
            Box::new(move |number| ours.run(number))
        }
        "pure" | "pure-tables" => {
            let ours = pure::Ours::new(&set, contender == "pure-tables");
            Box::new(move |number| ours.run(number))
        }
        "sigstore-verify" => {
            let peer = SigstoreVerify::new(&set).expect("a trusted root");
            Box::new(move |number| peer.run(number))
        }
        "floor-native" => {
            let floor = Floor::new(&set, Means::AwsLc);
            Box::new(move |number| floor.run(number))
        }
        other => panic!("{other} is no contender"),
    };
    verifying(&*run, calls);
}

/// Everything below this frame is a verification.
#[inline(never)]
fn verifying(run: &dyn Fn(usize) -> bool, calls: usize) {
    for call in 0..calls {
        assert!(run(call % 40), "every sample is accepted");
    }
}
