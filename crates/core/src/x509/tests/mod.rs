mod certificate;
mod identity;
mod name_constraints;
mod path;
mod sct;
