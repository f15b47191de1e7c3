//! What the program `compare`, the count of allocations and the criterion benches share. Holds no rule of verification.

pub mod batches;
pub mod command;
pub mod contest;
pub mod floor;
pub mod goals;
pub mod machine;
pub mod many;
pub mod material;
pub mod options;
pub mod outside;
pub mod peers;
pub mod plot;
pub mod real;
pub mod rounds;
pub mod scratch;
pub mod singles;

/// veriseal with the feature `aws-lc-rs`.
pub mod native {
    use veriseal as engine;
    include!("ours.rs");
}

/// veriseal without it: pure Rust.
pub mod pure {
    use veriseal_pure as engine;
    include!("ours.rs");
}
