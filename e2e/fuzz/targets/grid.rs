//! What a program may write to its terminal.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| agent_tools::screen::fuzzing::grid(data));
