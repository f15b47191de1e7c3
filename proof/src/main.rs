//! Attacks veriseal on purpose. Started by `cargo xtask mutate` and `cargo xtask prove`.
//!
//! ```text
//! veriseal-proof mutate [--count N] [--seed S] [--first F] [--threads T]   mutants of documents
//! veriseal-proof only N [--seed S]                                        one of them
//! veriseal-proof splice                                                   each part of one bundle in each other
//! veriseal-proof bombs                                                    the largest inputs, and larger ones
//! veriseal-proof tables [--count N] [--seed S] [--first F] [--threads T]   checks by table against other arithmetic
//! ```
//!
//! The last line of each is `total: …`; the exit status is not 0 where something was accepted, panicked or took too much.
#![forbid(unsafe_code)]

mod base;
mod bases;
mod bombs;
mod equivalent;
mod facts;
mod mutate;
mod splice;
mod tables;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            println!("veriseal-proof: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<bool, String> {
    match arguments {
        ["mutate", options @ ..] => {
            let (count, seed) = (number(options, "--count", 20_000)?, number(options, "--seed", 1)?);
            let (first, threads) = (number(options, "--first", 0)?, threads(options)?);
            // A panic is counted, and said with the mutant's number.
            std::panic::set_hook(Box::new(|_| {}));
            let bases = bases::all()?;
            let (found, seconds) = mutate::run(&bases, seed, first, count, threads);
            found.print();
            println!(
                "total: {} mutants of {} documents with seed {seed} from {first}: {} refused, {} equivalent, {} accepted, {} panics, {seconds:.1} s",
                found.tried,
                bases.len(),
                found.refused,
                found.equivalent.values().sum::<u64>(),
                found.accepted.len(),
                found.panicked.len(),
            );
            Ok(found.is_good(count))
        }
        ["splice"] => {
            let matrix = splice::Matrix::fill()?;
            matrix.print();
            println!(
                "total: {} splices of {} bundles: {} refused, {} equivalent, {} accepted",
                matrix.tried,
                matrix.bundles,
                matrix.refused,
                matrix.equivalent.values().sum::<u64>(),
                matrix.accepted.len(),
            );
            Ok(matrix.accepted.is_empty() && matrix.bundles >= 12 && matrix.refused > 0)
        }
        ["tables", options @ ..] => {
            let (count, seed) = (number(options, "--count", 2 * tables::CHUNK)?, number(options, "--seed", 1)?);
            let (first, threads) = (number(options, "--first", 0)?, threads(options)?);
            let (found, seconds) = tables::run(seed, first, count, threads);
            found.wrong.iter().take(20).for_each(|line| println!("WRONG {line}"));
            println!(
                "total: {} checks by table with seed {seed} from {first}, {} of them at edges: {} wrong, {seconds:.1} s",
                found.compared,
                found.edges,
                found.wrong.len(),
            );
            Ok(found.is_good(count))
        }
        ["bombs"] => bombs::all(),
        ["bomb", name] => bombs::one(name),
        ["only", which, options @ ..] => {
            let which = which.parse().map_err(|error| format!("{which}: {error}"))?;
            println!("{}", mutate::only(&bases::all()?, number(options, "--seed", 1)?, which)?);
            Ok(true)
        }
        _ => Err("mutate [--count N] [--seed S] | only N [--seed S] | splice | bombs | tables [--count N] [--seed S]".to_owned()),
    }
}

/// As many as there are processors, unless something else is asked for.
fn threads(options: &[&str]) -> Result<usize, String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    usize::try_from(number(options, "--threads", cores as u64)?).map_err(|error| error.to_string())
}

fn number(options: &[&str], name: &str, usual: u64) -> Result<u64, String> {
    match options.iter().position(|option| *option == name) {
        None => Ok(usual),
        Some(at) => {
            let text = options.get(at + 1).ok_or_else(|| format!("{name} needs a number"))?;
            text.parse().map_err(|error| format!("{name} {text}: {error}"))
        }
    }
}
