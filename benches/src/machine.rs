//! What was measured on.

use std::process::Command;

/// Told with every result: figures carry to no other machine.
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub load: String,
    pub rustc: String,
    pub commit: String,
}

impl Machine {
    pub fn here() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Self {
            processor: model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
            rustc: output("rustc", &["--version"]),
            commit: output("git", &["rev-parse", "--short=12", "HEAD"]),
        }
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map_or_else(|_| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
