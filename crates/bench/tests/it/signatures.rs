use squorum_bench::Error;

use crate::fake::{Fake, Faults};
use crate::{bench, try_bench};

/// The fake checks every request with the SDK's own signer.
#[test]
fn signed_requests_are_accepted_with_and_without_a_session_token() {
    let fake = Fake::start(Faults::default());
    for token in ["", "--session-token a+b/c=="] {
        let line =
            format!("fifo --messages 100 --access-key-id AKIDEXAMPLE --region eu-west-3 {token}");
        let report = bench(&fake, &line);
        assert!(report.passed() && report.signed, "{report:?}");
    }
    assert!(fake.calls() > 400);
}

#[test]
fn a_wrong_secret_or_none_is_refused_and_told() {
    let fake = Fake::start(Faults::default());
    for wrong in ["--secret-access-key wrong", "--unsigned"] {
        let error = try_bench(&fake, &format!("send --messages 1 {wrong}")).unwrap_err();
        assert!(matches!(error, Error::Queue { .. }));
        let error = error.to_string();
        assert!(
            error.contains("403") && error.contains("InvalidSignature"),
            "{error}"
        );
    }
}
