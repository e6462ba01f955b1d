//! Panics of the code under test. Most happen in tasks, where nobody would hear of them.

use std::panic;

use crate::oracle::{Rule, Violation};
use crate::seams::elapsed_ms;
use crate::{Report, Trace};

/// From now on the first panic ends the run, and the process with it: what the simulated processes
/// would do with it is no more than their own business, and tokio gets in a tangle over it.
pub fn watch(seed: u64, trace: Trace) {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        print(info);
        let text = info.to_string().replace('\n', " ");
        let violations = vec![Violation::new(Rule::Assertion, text)];
        let report = Report::new(seed, &trace, elapsed_ms(), violations, Vec::new());
        println!("{report}");
        std::process::exit(1);
    }));
}
