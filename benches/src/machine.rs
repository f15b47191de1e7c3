//! What was measured on, and what else ran there meanwhile.

use serde_json::{Value, json};
use std::fmt;
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

/// Reads what the processors did since it was begun.
pub struct Watch(Option<Ticks>);

/// Hundredths of seconds since the start of the machine, as Linux counts them.
#[derive(Clone, Copy)]
struct Ticks {
    all: u64,
    /// By whomever.
    busy: u64,
    /// What the host of a virtual machine gave to others while something here wanted to run.
    stolen: u64,
    /// By this process and by those that it started and waited for.
    own: u64,
}

/// What others took of the processors' time, in per cent of all of them: a figure that was measured while it was much says less.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The host of the virtual machine ("steal").
    pub host: f64,
    /// Other processes of this machine.
    pub others: f64,
    /// Seconds of processor time that this process and its children had.
    pub own_seconds: f64,
}

impl Watch {
    pub fn begin() -> Self {
        Self(Ticks::now())
    }

    /// None where there is no /proc.
    pub fn end(&self) -> Option<Taken> {
        let (before, after) = (self.0?, Ticks::now()?);
        let all = after.all.saturating_sub(before.all).max(1) as f64;
        let own = after.own.saturating_sub(before.own);
        // A process's ticks are counted otherwise than the machine's: a tick of difference is nobody's.
        let others = after.busy.saturating_sub(before.busy).saturating_sub(own);
        let host = after.stolen.saturating_sub(before.stolen);
        let share = |ticks: u64| 100.0 * ticks as f64 / all;
        Some(Taken { host: share(host), others: share(others), own_seconds: own as f64 / 100.0 })
    }
}

impl Ticks {
    fn now() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/stat").ok()?;
        let fields = stat.lines().next()?.split_whitespace().skip(1).map(|field| field.parse().ok());
        let [user, nice, system, idle, waiting, interrupts, soft, stolen] =
            fields.take(8).collect::<Option<Vec<u64>>>()?.try_into().ok()?;
        let busy = user + nice + system + interrupts + soft;
        // After the name, which may hold spaces: user, system, and both of children.
        let own = std::fs::read_to_string("/proc/self/stat").ok()?;
        let own = own.rsplit(')').next()?.split_whitespace().skip(11).take(4).map(|field| field.parse::<u64>().ok());
        Some(Self { all: busy + idle + waiting + stolen, busy, stolen, own: own.sum::<Option<u64>>()? })
    }
}

impl Taken {
    pub fn to_json(&self) -> Value {
        let round = crate::contest::round;
        json!({ "hostPercent": round(self.host), "otherProcessesPercent": round(self.others), "ownSeconds": self.own_seconds })
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, others, own_seconds } = self;
        write!(
            formatter,
            "the host took {host:.1} % of the processors' time, other processes {others:.1} %; own {own_seconds:.1} s"
        )
    }
}
