//! Load on a running webhook; filled in below.
fn main() {}
