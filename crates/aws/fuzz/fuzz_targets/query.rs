//! Forms of the Query protocol.

#![no_main]

#[allow(dead_code)]
#[path = "../../tests/it/fake.rs"]
mod fake;

use std::sync::Arc;

use squorum_aws::fuzzing::Subject;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let subject = Subject::new(fake::Fake::default(), Arc::new(fake::Counting::default()));
    subject.query(input);
});
