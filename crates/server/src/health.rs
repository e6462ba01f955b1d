//! `squorum health`: whether a node can serve, as an exit code for container health checks.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::admin_client::{self, AdminAnswer, AdminArguments, AskError};

const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(crate) struct HealthArguments {
    #[command(flatten)]
    admin: AdminArguments,
}

/// Says in one line how the node is. 0 if it is ready, else 1: Docker keeps 2 for itself.
pub(crate) fn run(arguments: &HealthArguments) -> ExitCode {
    let admin = &arguments.admin.admin;
    let (ready, line) = judge(admin_client::get(admin, "/health/ready", TIMEOUT));
    println!("{line}");
    match ready {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn judge(answer: Result<AdminAnswer, AskError>) -> (bool, String) {
    match answer {
        Ok(answer) => {
            let body = String::from_utf8_lossy(&answer.body);
            let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
            (answer.status == 200, line)
        }
        Err(error) => (false, format!("not ready: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &'static str) -> (bool, String) {
        let body = body.into();
        judge(Ok(AdminAnswer { status, body }))
    }

    #[test]
    fn only_200_is_ready_and_the_reason_is_one_line() {
        assert_eq!(answered(200, "ready\n"), (true, "ready".to_owned()));
        let reason = "not ready: waiting for seed c:9326: connection refused";
        let two_lines = "not ready: waiting for seed c:9326:\n  connection refused\n";
        assert_eq!(answered(503, two_lines), (false, reason.to_owned()));
        assert!(!answered(204, "").0);
        let (ready, line) = judge(Err(AskError::TimedOut(TIMEOUT)));
        assert_eq!((ready, &*line), (false, "not ready: no answer within 2 s"));
    }
}
