#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| veriseal_fuzz::target("bundle_json")(data));
