//! One stage of a run: a command with a time budget, whose `test result:` lines are counted.
//!
//! A stage never ends silently: it passed, failed, was stopped over its budget, or was skipped with a reason.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long the output of a stopped command is still waited for.
const GRACE: Duration = Duration::from_secs(5);

/// How often a running command is looked at.
const TICK: Duration = Duration::from_millis(200);

pub(crate) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// What a whole run has counted so far.
#[derive(Debug, Default)]
pub(crate) struct Run {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// One line for each stage, said again at the end.
    stages: Vec<String>,
    /// When the whole must be over, for stages that are done only where there is time.
    until: Option<Instant>,
}

impl Run {
    /// A run that should be over after `total`.
    pub(crate) fn within(total: Duration) -> Self {
        Self { until: Some(Instant::now() + total), ..Self::default() }
    }

    /// What is left for stages that are done only where there is time; at most `most`.
    pub(crate) fn left(&self, most: Duration) -> Duration {
        self.until.map_or(most, |until| until.saturating_duration_since(Instant::now()).min(most))
    }

    /// Runs a command as the stage `name`, and stops it after `budget`. Answers whether it passed.
    pub(crate) fn stage(&mut self, name: &str, budget: Duration, command: &mut Command) -> bool {
        println!("== {name} (at most {} s)", budget.as_secs());
        let begun = Instant::now();
        let before = self.failed;
        let ended = self.follow(command, begun, budget);
        let seconds = begun.elapsed().as_secs_f64();
        match ended {
            Ok(true) => self.say(format!("{name}: passed in {seconds:.1} s")),
            Ok(false) => self.fail(before, format!("{name}: FAILED after {seconds:.1} s")),
            Err(reason) => self.fail(before, format!("{name}: FAILED after {seconds:.1} s: {reason}")),
        }
        self.failed == before
    }

    /// Runs a command whose success others build on but which proves nothing itself. Where it fails, what builds on it is
    /// skipped with a reason; the run does not fail for it.
    pub(crate) fn prepare(&mut self, name: &str, budget: Duration, command: &mut Command) -> Result<(), String> {
        println!("== {name} (at most {} s)", budget.as_secs());
        let begun = Instant::now();
        let reason = match self.follow(command, begun, budget) {
            Ok(true) => {
                self.say(format!("{name}: done in {:.1} s", begun.elapsed().as_secs_f64()));
                return Ok(());
            }
            Ok(false) => format!("{name} did not succeed"),
            Err(reason) => format!("{name}: {reason}"),
        };
        println!("-- {reason}");
        Err(reason)
    }

    /// Runs a check that needs no other program.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<String, String>) {
        println!("== {name}");
        match check() {
            Ok(said) => self.say(format!("{name}: passed: {said}")),
            Err(reason) => self.fail(self.failed, format!("{name}: FAILED: {reason}")),
        }
    }

    /// How many tests have been counted, whatever came of them.
    pub(crate) const fn counted(&self) -> u64 {
        self.passed.saturating_add(self.failed)
    }

    /// Says why a stage is left out. It counts neither as passed nor as failed.
    pub(crate) fn skip(&mut self, name: &str, reason: &str) {
        self.say(format!("{name}: skipped: {reason}"));
    }

    /// Says how every stage ended, then the one closing line.
    pub(crate) fn finish(self) -> ExitCode {
        println!();
        for stage in &self.stages {
            println!("-- {stage}");
        }
        match self.skipped {
            0 => println!("{} passed, {} failed", self.passed, self.failed),
            skipped => println!("{} passed, {} failed, {skipped} skipped", self.passed, self.failed),
        }
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn say(&mut self, line: String) {
        println!("-- {line}");
        self.stages.push(line);
    }

    /// A stage that failed without a failed test is itself the failure, so that the closing line can never hide it.
    fn fail(&mut self, before: u64, line: String) {
        if self.failed == before {
            self.failed += 1;
        }
        self.say(line);
    }

    fn follow(&mut self, command: &mut Command, begun: Instant, budget: Duration) -> Result<bool, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let lines = lines_of(&mut child);
        let mut open = true;
        loop {
            if open {
                match lines.recv_timeout(TICK) {
                    Ok(line) => self.line(&line),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => open = false,
                }
            } else {
                std::thread::sleep(TICK);
            }
            if begun.elapsed() > budget {
                stop(&mut child);
                self.drain(&lines);
                return Err(format!("stopped: over its budget of {} s", budget.as_secs()));
            }
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                self.drain(&lines);
                return Ok(status.success());
            }
        }
    }

    /// Takes what is still in the pipe, but waits for nobody who merely inherited it.
    fn drain(&mut self, lines: &Receiver<String>) {
        let until = Instant::now() + GRACE;
        while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        println!("{line}");
        if let Some(counts) = Counts::read(line) {
            self.passed += counts.passed;
            self.failed += counts.failed;
            self.skipped += counts.ignored;
        }
    }
}

/// The counts of one `test result:` line.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Counts {
    fn read(line: &str) -> Option<Self> {
        let rest = line.trim_start().strip_prefix("test result: ")?;
        let number = |word: &str| {
            let (before, _) = rest.split_once(&format!(" {word}"))?;
            before.rsplit(' ').next()?.parse().ok()
        };
        Some(Self { passed: number("passed")?, failed: number("failed")?, ignored: number("ignored").unwrap_or(0) })
    }
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut bytes = Vec::new();
            while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
                let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_string();
                bytes.clear();
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

/// Ends a command and everything it started. Not by a process group: an interrupt at the terminal must reach them too.
fn stop(child: &mut Child) {
    let mut doomed = vec![child.id()];
    let parents = parents();
    let mut at = 0;
    while let Some(parent) = doomed.get(at).copied() {
        doomed.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
        at += 1;
    }
    let ids = doomed.iter().skip(1).map(u32::to_string);
    let _ = child.kill();
    let _ = child.wait();
    let _ = Command::new("kill").arg("-9").args(ids).stderr(Stdio::null()).status();
}

/// Every process with its parent, from /proc or, where there is none, from `ps`.
fn parents() -> Vec<(u32, u32)> {
    let from_proc = std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let process = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name in parentheses may hold anything; the state and the parent follow its last one.
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Some((process, parent))
    });
    let found: Vec<(u32, u32)> = from_proc.collect();
    if !found.is_empty() {
        return found;
    }
    let listed = crate::output(Command::new("ps").args(["-A", "-o", "pid=", "-o", "ppid="])).unwrap_or_default();
    let pair = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    listed.lines().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_result_line_is_counted_and_others_are_not() {
        let counts =
            Counts::read("test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.03s");
        assert_eq!(counts, Some(Counts { passed: 12, failed: 3, ignored: 1 }));
        let counts = Counts::read("test result: ok. 2 passed; 0 failed");
        assert_eq!(counts, Some(Counts { passed: 2, failed: 0, ignored: 0 }));
        assert_eq!(Counts::read("test a ... ok"), None);
        assert_eq!(Counts::read("test result: ok."), None);
    }

    #[test]
    fn counts_of_all_stages_add_up() {
        let mut run = Run::default();
        for _ in 0..2 {
            run.stage("made up", Duration::from_secs(60), &mut shell("echo 'test result: ok. 2 passed; 0 failed; 1 ignored'"));
        }
        assert_eq!((run.passed, run.failed, run.skipped), (4, 0, 2));
    }

    #[test]
    fn a_stage_that_fails_without_a_failed_test_is_a_failure() {
        let mut run = Run::default();
        run.stage("made up", Duration::from_secs(60), &mut shell("exit 1"));
        run.stage("not there", Duration::from_secs(60), &mut Command::new("no-such-program-of-veriseal"));
        run.check("made up", || Err("so".to_string()));
        assert_eq!(run.failed, 3);
        let mut run = Run::default();
        run.stage("made up", Duration::from_secs(60), &mut shell("echo 'test result: FAILED. 0 passed; 2 failed'; exit 1"));
        assert_eq!(run.failed, 2);
    }

    #[test]
    fn a_stage_over_its_budget_is_stopped_with_all_it_started_and_says_so() {
        let mut run = Run::default();
        run.stage("made up", Duration::ZERO, &mut shell("sleep 600 & sleep 600"));
        assert_eq!(run.failed, 1);
        assert!(run.stages[0].contains("over its budget of 0 s"), "{:?}", run.stages);
    }
}
