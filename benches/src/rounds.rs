//! Interleaved rounds: every contender meets every sample, in turns so short that what disturbs one disturbs all.

use std::time::Instant;

/// Samples that a contender takes in one turn: enough to have its code and tables in the caches, as a running program has.
const TURN: usize = 20;

/// One of those that are compared.
pub struct Contender<'a> {
    pub name: String,
    /// What stands in JSON.
    pub id: &'static str,
    /// Runs one sample and tells whether it was accepted.
    pub run: Box<dyn Fn(usize) -> bool + 'a>,
}

impl<'a> Contender<'a> {
    pub fn new(id: &'static str, name: &str, run: impl Fn(usize) -> bool + 'a) -> Self {
        Self { id, name: name.to_owned(), run: Box::new(run) }
    }
}

/// What one contender took, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// The shortest call of all.
    pub min: f64,
    /// The median of all calls.
    pub median: f64,
    /// Of each sample its shortest call, and of these the mean: what a call takes where nothing disturbs it.
    pub quiet: f64,
}

impl Times {
    /// From the microseconds of each sample's calls.
    pub fn of(samples: &[Vec<f64>]) -> Self {
        let nanos = |micros: &f64| (micros * 1000.0) as u64;
        let mut all: Vec<u64> = samples.iter().flatten().map(nanos).collect();
        let shortest = |calls: &Vec<f64>| calls.iter().map(nanos).min().unwrap_or_default();
        times(&mut all, &samples.iter().map(shortest).collect::<Vec<_>>())
    }
}

/// Runs `rounds` rounds over `samples` samples. What is not accepted is no measurement but an error.
pub fn run(contenders: &[Contender<'_>], samples: usize, rounds: usize) -> Result<Vec<Times>, String> {
    // Warms up, and shows that everybody accepts everything.
    for contender in contenders {
        if let Some(number) = (0..samples).find(|number| !(contender.run)(*number)) {
            return Err(format!("{} does not accept sample {number}", contender.name));
        }
    }
    let mut shortest = vec![vec![u64::MAX; samples]; contenders.len()];
    let mut all: Vec<Vec<u64>> = contenders.iter().map(|_| Vec::with_capacity(samples * rounds)).collect();
    for round in 0..rounds {
        // The first samples of a turn find cold caches: they are others in each round.
        let shift = round * (TURN / 2 + 1);
        for turn in (0..samples).step_by(TURN) {
            for step in 0..contenders.len() {
                let index = (step + round) % contenders.len();
                for place in turn..(turn + TURN).min(samples) {
                    let number = (place + shift) % samples;
                    let begun = Instant::now();
                    let accepted = (contenders[index].run)(number);
                    let taken = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    if !accepted {
                        return Err(format!("{} changed its mind about sample {number}", contenders[index].name));
                    }
                    all[index].push(taken);
                    shortest[index][number] = shortest[index][number].min(taken);
                }
            }
        }
    }
    Ok(all.iter_mut().zip(&shortest).map(|(all, shortest)| times(all, shortest)).collect())
}

fn times(all: &mut [u64], shortest: &[u64]) -> Times {
    all.sort_unstable();
    let micros = |nanos: u64| nanos as f64 / 1000.0;
    let median = all.get(all.len() / 2).copied().unwrap_or_default();
    Times {
        min: micros(all.first().copied().unwrap_or_default()),
        median: micros(median),
        quiet: shortest.iter().map(|nanos| micros(*nanos)).sum::<f64>() / shortest.len().max(1) as f64,
    }
}
