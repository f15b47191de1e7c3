//! How the bytes are got: a sans-IO session that asks, and the seam that answers.

mod fetch;

pub use fetch::{Fetch, FetchError, Request, RequestId, Response, What};
