//! Everything that docs/performance.md says of verification, in one run: `cargo run --release -- compare`.

use benches::contest::{self, Contest, round};
use benches::goals::{self, Goal};
use benches::machine::{Machine, Taken, Watch};
use benches::material::{Kind, Set};
use benches::options::Options;
use benches::outside::Outside;
use benches::{batches, command, many, plot, real, singles};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::Instant;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| compare(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn compare(options: &Options) -> Result<(), String> {
    let machine = Machine::here();
    println!(
        "{}, {} cores, load {}; {}; commit {}",
        machine.processor, machine.cores, machine.load, machine.rustc, machine.commit
    );
    println!("quiet: of each signature the shortest of {} calls, and of these the mean; ratios are of it", options.rounds);
    let (watch, begun) = (Watch::begin(), Instant::now());
    let (outside, missing) = Outside::installed(options);
    for peer in &outside {
        println!(
            "{} runs in a process of its own, half of its rounds before each kind and half after, over at most {} of its signatures",
            peer.name, options.outside
        );
    }
    missing.iter().for_each(|line| println!("not here: {line}"));
    let mut contests = Vec::new();
    let mut goals = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| options.wants(kind.id())) {
        let contest = contest::run(&Set::make(kind, options.count), options.rounds, &outside)?;
        contest.print();
        goals.extend(goals::of(&contest));
        contests.push(contest);
    }
    let real = if options.wants("real") { real_bundles(options, &outside)? } else { Vec::new() };
    let mut document = json!({
        "schema": "veriseal-benches/1",
        "machine": {
            "processor": machine.processor, "cores": machine.cores, "load": machine.load,
            "rustc": machine.rustc, "commit": machine.commit,
        },
        "rounds": options.rounds,
        "notInstalled": missing,
        "kinds": contests.iter().map(Contest::to_json).collect::<Vec<_>>(),
        "realBundles": real.iter().map(Contest::to_json).collect::<Vec<_>>(),
    });
    alone(options, &mut document, &mut goals)?;
    let taken = watch.end();
    document["meanwhile"] = taken.as_ref().map(Taken::to_json).into();
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    document["minutes"] = round(minutes).into();
    match &taken {
        Some(taken) => println!("\nin the whole run of {minutes:.1} minutes {taken}"),
        None => println!("\nthe run took {minutes:.1} minutes; what others took of the processors is not known here"),
    }
    println!("\ngoals");
    goals.iter().for_each(Goal::print);
    document["goals"] = goals.iter().map(Goal::to_json).collect();
    if let Some(path) = &options.json {
        write(path, &format!("{document:#}\n"))?;
    }
    if let Some(path) = &options.svg {
        let busy = taken
            .map_or_else(String::new, |taken| format!("; host took {:.0} %, other processes {:.0} %", taken.host, taken.others));
        let below = format!("{}, {} cores{busy}: microseconds carry nowhere", machine.processor, machine.cores);
        let samples = contests.iter().map(|contest| contest.samples).max().unwrap_or_default();
        let of_others = contests.iter().flat_map(|contest| &contest.rows).map(|row| row.samples).min().unwrap_or_default();
        let samples = format!("{samples} distinct signatures of each kind; other languages were given {of_others} of them");
        write(path, &plot::svg(&contests, &[samples, below]))?;
    }
    Ok(())
}

/// Real bundles by themselves, each against its trusted root.
fn real_bundles(options: &Options, outside: &[Outside]) -> Result<Vec<Contest>, String> {
    let Some(folder) = real::folder() else {
        println!("\nreal bundles: no vectors here (set VERISEAL_VECTORS)");
        return Ok(Vec::new());
    };
    let mut sets = real::sets(&folder)?;
    if options.quick {
        sets.truncate(3);
    }
    println!("\nreal bundles: quiet microseconds a call");
    let mut columns = vec![("native-tables", "prepared"), ("native", "generic"), ("sigstore-verify", "sigstore-verify 0.15.1")];
    columns.extend(outside.iter().map(|peer| (peer.id, peer.name.as_str())));
    let line = |name: &str, cells: Vec<String>| {
        println!("  {name:<68}{}", cells.iter().map(|cell| format!("{cell:>24}")).collect::<String>());
    };
    line("", columns.iter().map(|(_, name)| (*name).to_owned()).collect());
    let mut contests = Vec::new();
    for set in sets {
        let contest = match contest::run(&set, options.rounds, outside) {
            Ok(contest) => contest,
            Err(why) => {
                println!("  {why:.200}");
                continue;
            }
        };
        let cell = |id: &str| contest.quiet(id).map_or_else(|| "-".to_owned(), |micros| format!("{micros:.1}"));
        line(&contest.name, columns.iter().map(|(id, _)| cell(id)).collect());
        contests.push(contest);
    }
    let median = |id: &str| {
        let mut ratios: Vec<f64> = contests.iter().filter_map(|contest| contest.ratio(id, "native-tables")).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2} of {}", ratios.len()))
    };
    line("to prepared, in the median of those that both accept", columns.iter().map(|(id, _)| median(id)).collect());
    // Of the others that refuse something one line each, not one for each bundle.
    for (_, name) in columns.iter().skip(2) {
        let mut refusals = BTreeMap::<&str, Vec<&str>>::new();
        for contest in &contests {
            let notes = contest.notes.iter().filter_map(|note| note.strip_prefix(name)).map(|why| why.trim_start_matches(": "));
            notes.for_each(|why| refusals.entry(why).or_default().push(&contest.name));
        }
        for (why, bundles) in refusals {
            println!(
                "  {name}: {why} ({}{})",
                bundles[0],
                if bundles.len() > 1 { format!(" and {} more", bundles.len() - 1) } else { String::new() }
            );
        }
    }
    Ok(contests)
}

/// What is measured without a peer beside it.
fn alone(options: &Options, document: &mut Value, goals: &mut Vec<Goal>) -> Result<(), String> {
    let built = !options.quick;
    if options.wants("once") {
        once(options, document, goals);
    }
    if options.wants("blobs") {
        document["blobs"] = singles::blobs(options.quick);
        goals.push(Goal::at_least("hashing a blob, to the raw hash", number(&document["blobs"]["digestToRaw"]), 0.95));
        goals.push(Goal::at_least("hashing a blob in pieces, to the raw hash", number(&document["blobs"]["hasherToRaw"]), 0.95));
        println!("\nblobs\n{:#}", document["blobs"]);
    }
    if options.wants("batches") {
        in_batches(options, document, goals);
    }
    if options.wants("many") {
        in_crowds(options, document)?;
    }
    if built && options.wants("allocations") {
        counted(document, goals)?;
    }
    if built && options.command && options.wants("command") {
        the_command(document, goals)?;
    }
    Ok(())
}

/// Primitives, trust roots, tables.
fn once(options: &Options, document: &mut Value, goals: &mut Vec<Goal>) {
    let times = if options.quick { 50 } else { 2000 };
    let set = Set::make(Kind::KeylessV1, 1);
    for (name, figures) in [("primitives", singles::primitives(times)), ("once", singles::construction(&set, times))] {
        println!("\n{name}, microseconds at best");
        for (what, micros) in &figures {
            println!("  {what:<58}{micros:>10.1}");
            if what.starts_with("table of one key") {
                goals.push(Goal::at_most(format!("{what}, ms"), micros / 1000.0, 2.0));
            } else if what.starts_with("trust root") {
                goals.push(Goal::at_most(format!("{what}, µs"), *micros, 25.0));
            }
        }
        document[name] =
            figures.into_iter().map(|(what, micros)| json!({ "what": what, "microseconds": round(micros) })).collect();
    }
}

fn in_batches(options: &Options, document: &mut Value, goals: &mut Vec<Goal>) {
    let set = Set::make(Kind::KeylessV1, options.count.min(400));
    println!("\nbatches: {}, one verifier, calls at best; what others took during that batch", set.name);
    // Two threads are at their best only while both processors are: in five rounds that came once in a few runs.
    let rows = batches::run(&set, options.rounds.max(15));
    batches::Row::print_head();
    rows.iter().for_each(batches::Row::print);
    // What the machine gives to two threads that share nothing.
    let given = rows.iter().filter(|row| row.control).map(|row| format!("{} {:.2}", row.name, row.two_to_one()));
    println!("  what two threads gain where nothing is shared: {}", given.collect::<Vec<_>>().join(", "));
    for row in rows.iter().filter(|row| !row.control) {
        // Without a free processor the second thread has nothing to gain.
        goals.push(Goal::at_least(format!("two threads to one, {}{}", row.name, row.others()), row.two_to_one(), 1.9));
    }
    document["batches"] = rows.iter().map(batches::Row::to_json).collect();
}

fn in_crowds(options: &Options, document: &mut Value) -> Result<(), String> {
    let set = Set::make(Kind::BundleImage, options.count.min(200));
    println!("\nmany: {} distinct, gathered and judged in the call; the registry runs in this process", set.name);
    let rows = many::run(&set, options.rounds.max(5))?;
    batches::Row::print_head();
    rows.iter().for_each(batches::Row::print);
    document["many"] = rows.iter().map(batches::Row::to_json).collect();
    Ok(())
}

/// Allocations and crates.
fn counted(document: &mut Value, goals: &mut Vec<Goal>) -> Result<(), String> {
    document["allocations"] = allocations()?;
    println!("\n{:<16}{:<18}{:>12}{:>10}{:>10}{:>10}", "", "", "allocations", "bytes", "peak", "input");
    for row in document["allocations"].as_array().into_iter().flatten() {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let [count, bytes, peak, input] = ["allocations", "bytes", "peakBytes", "inputBytes"].map(|name| number(&row[name]));
        println!("{:<16}{:<18}{count:>12}{bytes:>10}{peak:>10}{input:>10}", text("kind"), text("id"));
        if text("id") == "native-tables" && !text("kind").starts_with("image") {
            goals.push(Goal::at_most(format!("{}: allocations", text("kind")), count, 40.0));
            goals.push(Goal::at_most(format!("{}: peak KiB", text("kind")), peak / 1024.0, 16.0));
        }
    }
    document["crates"] = command::crates()?;
    goals.push(Goal::at_most("crates of the core", number(&document["crates"]["core"]), 60.0));
    println!("\ncrates\n{:#}", document["crates"]);
    Ok(())
}

fn the_command(document: &mut Value, goals: &mut Vec<Goal>) -> Result<(), String> {
    let measured = command::measure(&Set::make(Kind::BundleImage, 1), 400)?;
    measured.print();
    document["command"] = measured.to_json();
    for built in &measured.builds {
        if built.name.starts_with("without network") {
            goals.push(Goal::at_most(format!("the command {}, MB", built.name), built.bytes as f64 / 1e6, 3.0));
        }
        let above = built.above(measured.nothing).min / 1000.0;
        goals.push(Goal::at_most(format!("cold start of judge above /bin/true, {}, ms", built.name), above, 1.0));
    }
    Ok(())
}

fn allocations() -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut run = Command::new(cargo);
    run.args(["run", "--quiet", "--release", "--locked", "--bin", "allocations", "--manifest-path"]);
    run.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    if !cfg!(feature = "sigstore-rs") {
        // What this program was built without it need not be built with.
        run.arg("--no-default-features");
    }
    let output = run.output().map_err(|error| format!("cargo: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|_| format!("allocations: {}", String::from_utf8_lossy(&output.stderr)))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn write(path: &std::path::Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
