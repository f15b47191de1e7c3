#![allow(clippy::cloned_ref_to_slice_refs, reason = "one-element lists of forged certificates read better so")]

mod certificate;
mod identity;
mod name_constraints;
mod path;
mod sct;
