//! What a pod may say to the broker, while viewers come, read and leave.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| terminal_broker::fuzzing::trunk(data));
