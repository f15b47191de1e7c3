//! The lines of a test runner.

use std::process::ExitCode;

#[derive(Default)]
pub struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    pub fn count(&mut self, name: &str, good: bool, reason: impl FnOnce() -> String) {
        if good {
            println!("test {name} ... ok");
            self.passed += 1;
        } else {
            println!("test {name} ... FAILED\n    {}", reason().replace('\n', "\n    "));
            self.failed += 1;
        }
    }

    /// Says why something is no test. It is not counted.
    pub fn leave_out(&self, name: &str, reason: &str) {
        println!("left out: {name}: {reason}");
    }

    /// Nothing checked is no success.
    pub fn finish(self) -> ExitCode {
        let good = self.failed == 0 && self.passed > 0;
        let word = if good { "ok" } else { "FAILED" };
        println!("\ntest result: {word}. {} passed; {} failed; 0 ignored", self.passed, self.failed);
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
