//! Holds veriseal against sigstore-verify: whatever veriseal accepts, sigstore-verify must accept too.
//!
//! ```text
//! differential [--mutations N] [--seed S] [--first N] [--seconds N] [--show]   real bundles and mutations of them
//! differential --only N [--seed S]                                           one mutation: the bundle, and what both say
//! differential testkit                                                       every kind of bundle that the testkit makes
//! ```
//!
//! Started by `cargo xtask interop` with a slice of the mutations, and by `cargo xtask fuzz --minutes N` as the target `diff_sigstore`,
//! which goes on where the last run ended. Prints one line a check, like a test runner, and one for the target's ledger.

mod case;
mod difference;
mod made;
mod remedy;
mod table;
mod tally;
mod vectors;

use case::{Answer, Case};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use table::Table;
use tally::Tally;
use veriseal_testkit::mutation::{OPERATORS, Random, Tree};

struct Options {
    mutations: u64,
    seed: u64,
    /// The number of the first mutation.
    first: u64,
    /// After so many it ends, however many mutations are left.
    seconds: u64,
    only: Option<u64>,
    show: bool,
}

fn main() -> ExitCode {
    // What panics is counted, and said where it was ours.
    std::panic::set_hook(Box::new(|_| {}));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome =
        if arguments == ["testkit"] { testkit() } else { options(&arguments).and_then(|options| differential(&options)) };
    outcome.unwrap_or_else(|reason| {
        println!("differential: {reason}");
        ExitCode::FAILURE
    })
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options { mutations: 10_000, seed: 1, first: 0, seconds: u64::MAX, only: None, show: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || {
            let value = rest.next().ok_or_else(|| format!("{argument} needs a number"))?;
            value.parse::<u64>().map_err(|error| format!("{argument} {value}: {error}"))
        };
        match argument.as_str() {
            "--mutations" => options.mutations = number()?,
            "--seed" => options.seed = number()?,
            "--first" => options.first = number()?,
            "--seconds" => options.seconds = number()?,
            "--only" => options.only = Some(number()?),
            "--show" => options.show = true,
            _ => return Err(format!("unknown: {argument}")),
        }
    }
    Ok(options)
}

/// Everything the testkit makes is accepted by both, and by neither for another artifact.
fn testkit() -> Result<ExitCode, String> {
    let mut tally = Tally::default();
    for case in made::cases(false)? {
        let (ours, theirs) = (case.ask_veriseal(&case.bundle), case.ask_sigstore_verify(&case.bundle));
        let good = ours.accepted() && theirs.accepted();
        let known = if ours.accepted() { difference::explain(&case, &case.bundle, &theirs) } else { None };
        match known {
            Some(cause) => tally.leave_out(&format!("testkit::{}", case.name), cause),
            None => tally
                .count(&format!("testkit::{}", case.name), good, || format!("veriseal: {ours:?}; sigstore-verify: {theirs:?}")),
        }
    }
    let accepted: Vec<String> = made::cases(true)?
        .into_iter()
        .filter(|case| case.ask_veriseal(&case.bundle).accepted() || case.ask_sigstore_verify(&case.bundle).accepted())
        .map(|case| case.name)
        .collect();
    tally.count("testkit::none_is_accepted_for_another_artifact", accepted.is_empty(), || accepted.join(", "));
    Ok(tally.finish())
}

fn differential(options: &Options) -> Result<ExitCode, String> {
    let cases = match vectors::folder() {
        Ok(folder) => vectors::cases(&folder)?,
        Err(reason) => {
            println!("without real bundles: {reason}; on those that the testkit makes");
            made::cases(false)?
        }
    };
    let trees: Vec<Tree> = cases.iter().filter_map(|case| case.tree.clone()).collect();
    if let Some(number) = options.only {
        return only(options, &cases, &trees, number);
    }
    let mut tally = Tally::default();
    let mut table = Table::default();
    for case in &cases {
        let (ours, theirs) = (case.ask_veriseal(&case.bundle), case.ask_sigstore_verify(&case.bundle));
        let failure = table.bundle(case, &ours, &theirs);
        tally.count(&format!("bundles::{}", case.name), failure.is_none(), || failure.clone().unwrap_or_default());
    }
    let begun = Instant::now();
    let mutated: Vec<&Case> = cases.iter().filter(|case| case.tree.is_some()).collect();
    let mut slowest = Duration::ZERO;
    let mut done = 0;
    while done < options.mutations && begun.elapsed().as_secs() < options.seconds {
        let number = options.first.saturating_add(done);
        done += 1;
        let Some(mutation) = Mutation::make(options.seed, &mutated, &trees, number) else { continue };
        let case = mutation.case;
        let bytes = mutation.text.as_bytes();
        let at = Instant::now();
        let (ours, theirs) = (case.ask_veriseal(bytes), case.ask_sigstore_verify(bytes));
        slowest = slowest.max(at.elapsed());
        if options.show && (ours.accepted() || theirs.accepted()) && !OPERATORS[mutation.operator].harmless {
            println!(
                "{number} {} {}: veriseal: {ours:?}; sigstore-verify: {theirs:?}",
                case.name, OPERATORS[mutation.operator].name
            );
        }
        table.mutation(number, case, mutation.operator, bytes, [&ours, &theirs]);
    }
    let seconds = begun.elapsed().as_secs_f64();
    table.print();
    println!("{} mutations of {} bundles with seed {} in {seconds:.1} s", table.mutations(), mutated.len(), options.seed);
    println!(
        "diff_sigstore: {done} executions from {} seeds, {seconds:.1} s, slowest {:.0} ms, peak {} MiB",
        mutated.len(),
        slowest.as_secs_f64() * 1000.0,
        peak_memory() / 1024,
    );
    for (operator, failures) in table.failures() {
        tally.count(&format!("mutations::{operator}"), failures.is_empty(), || failures.join("\n"));
    }
    let unknown = table.without_reason();
    tally.count("what_veriseal_alone_refuses_has_a_known_reason", unknown.is_empty(), || unknown.join(", "));
    // A harness in which nothing is accepted would find no difference.
    let both = table.accepted_by_both();
    let name = "mutations::some_are_accepted_by_both";
    if table.mutations() < mutated.len() * OPERATORS.len() {
        tally.leave_out(name, "not every operator had its turn");
    } else {
        tally.count(name, both * 20 > table.mutations(), || format!("only {both}"));
    }
    Ok(tally.finish())
}

/// The most memory that this process has held, in KiB; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

struct Mutation<'a> {
    case: &'a Case,
    operator: usize,
    text: String,
}

impl<'a> Mutation<'a> {
    /// Each bundle meets each operator in turn. Where an operator finds nothing to change the next one is asked.
    fn make(seed: u64, cases: &[&'a Case], trees: &[Tree], number: u64) -> Option<Self> {
        let at = usize::try_from(number).ok()?;
        let case = cases.get(at.checked_rem(cases.len())?)?;
        let tree = case.tree.as_ref()?;
        let mut random = Random::new(seed, "mutation", number);
        let first = at / cases.len();
        for step in 0..OPERATORS.len() {
            let operator = (first + step) % OPERATORS.len();
            // It may have drawn something that is not there.
            for _ in 0..4 {
                if let Some(text) = (OPERATORS[operator].apply)(tree, trees, &mut random) {
                    return Some(Self { case, operator, text });
                }
            }
        }
        None
    }
}

fn only(options: &Options, cases: &[Case], trees: &[Tree], number: u64) -> Result<ExitCode, String> {
    let mutated: Vec<&Case> = cases.iter().filter(|case| case.tree.is_some()).collect();
    let made = Mutation::make(options.seed, &mutated, trees, number).ok_or("there is no such mutation")?;
    let bytes = made.text.as_bytes();
    let (ours, theirs): (Answer, Answer) = (made.case.ask_veriseal(bytes), made.case.ask_sigstore_verify(bytes));
    println!("{}\n{} {}", made.text, made.case.name, OPERATORS[made.operator].name);
    println!("veriseal: {ours:?}\nsigstore-verify: {theirs:?}");
    if ours.accepted() && !theirs.accepted() {
        println!("cause: {}", difference::explain(made.case, bytes, &theirs).unwrap_or("unknown"));
    }
    Ok(ExitCode::SUCCESS)
}
