#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| veriseal_fuzz::target("capi_sequence")(data));
