//! A short slice of every fuzz target, without an engine: the same functions, over their seeds and mutations of these.

use crate::cargo;
use crate::stage::{Run, minutes};

const MANIFEST: &str = "fuzz/Cargo.toml";

/// The stage.
pub(crate) fn run(run: &mut Run) {
    // From nothing it compiles its dependencies anew, optimised and with assertions.
    let needed = minutes(6);
    if run.left(needed) < needed {
        return run.skip("fuzz targets", "no time is left for them: `cargo xtask fuzz`");
    }
    run.stage(
        "lints of the fuzz targets",
        minutes(4),
        &mut cargo(&["clippy", "--manifest-path", MANIFEST, "--", "-D", "warnings"]),
    );
    run.stage("fuzz targets", minutes(5), &mut cargo(&["test", "--manifest-path", MANIFEST]));
    let mut plain = cargo(&["run", "--quiet", "--manifest-path", MANIFEST, "--bin", "plain", "--", "--executions", "500"]);
    run.stage("500 executions of each", minutes(5), &mut plain);
}
