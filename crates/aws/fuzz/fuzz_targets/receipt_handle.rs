//! Receipt handles.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| squorum_aws::fuzzing::receipt_handle(input));
