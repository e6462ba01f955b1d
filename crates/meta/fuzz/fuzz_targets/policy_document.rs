//! Texts of policies, whose statements are added and removed.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    squorum_meta::fuzzing::policy(input);
});
