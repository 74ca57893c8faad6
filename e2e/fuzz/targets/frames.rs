//! What may arrive of either end of a screen's stream.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| screen_wire::fuzzing::frames(data));
