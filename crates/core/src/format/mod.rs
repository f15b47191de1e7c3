//! Signed documents: bytes in, typed but untrusted values out.
