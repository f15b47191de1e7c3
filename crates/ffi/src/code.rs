//! What is known of the library itself: its version, and the table of codes.

use crate::input::veriseal_str;
use veriseal::Code;

/// The version of this header as numbers: 0.1.0.
pub const VERISEAL_VERSION_MAJOR: i32 = 0;
/// See `VERISEAL_VERSION_MAJOR`.
pub const VERISEAL_VERSION_MINOR: i32 = 1;
/// See `VERISEAL_VERSION_MAJOR`.
pub const VERISEAL_VERSION_PATCH: i32 = 0;

/// The version of the library that is linked, such as `0.1.0`. Static: never freed.
#[unsafe(no_mangle)]
pub extern "C" fn veriseal_version() -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, { env!("CARGO_PKG_VERSION").into() })
}

/// How many codes there are.
#[unsafe(no_mangle)]
pub extern "C" fn veriseal_code_count() -> usize {
    value_boundary!(0, { Code::ALL.len() })
}

/// The number of the code at `index`, in the order of docs/codes.md; 0 beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn veriseal_code_at(index: usize) -> u16 {
    value_boundary!(0, { Code::ALL.get(index).map_or(0, |code| code.number()) })
}

/// The stable name of a code, such as `NO_SIGNATURE`; empty for a number that this version does not know. Static.
#[unsafe(no_mangle)]
pub extern "C" fn veriseal_code_name(code: u16) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, { of(code, Code::name) })
}

/// What a code means, one clause; empty for an unknown one. Static.
#[unsafe(no_mangle)]
pub extern "C" fn veriseal_code_meaning(code: u16) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, { of(code, Code::meaning) })
}

/// What to do about a code, one sentence; empty for an unknown one. Static.
#[unsafe(no_mangle)]
pub extern "C" fn veriseal_code_action(code: u16) -> veriseal_str {
    value_boundary!(veriseal_str::EMPTY, { of(code, Code::action) })
}

/// The number of the code with this name, as reports show it; 0 where there is none, and for a text that is no UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn veriseal_code_by_name(name: *const std::ffi::c_char, name_len: usize) -> u16 {
    value_boundary!(0, {
        // SAFETY: `name_len` readable bytes, as the header asks.
        let name = unsafe { crate::input::text(name, name_len, "name") }.unwrap_or_default();
        Code::ALL.iter().find(|code| code.name() == name).map_or(0, |code| code.number())
    })
}

fn of(number: u16, what: impl Fn(Code) -> &'static str) -> veriseal_str {
    Code::ALL.iter().find(|code| code.number() == number).map_or(veriseal_str::EMPTY, |code| what(*code).into())
}
