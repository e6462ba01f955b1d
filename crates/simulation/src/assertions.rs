//! Panics of the code under test. Most happen in tasks, where nobody would hear of them.

use std::panic;

use parking_lot::Mutex;

use crate::oracle::{Rule, Violation};

/// More would say nothing new.
const PANICS_MAX: usize = 8;

static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on panics are kept, besides being printed. Once a process.
pub fn watch() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let mut panics = PANICS.lock();
        if panics.len() < PANICS_MAX {
            panics.push(info.to_string().replace('\n', " "));
        }
        drop(panics);
        print(info);
    }));
}

/// The first panic since the last call.
pub(crate) fn take() -> Option<Violation> {
    let panics = std::mem::take(&mut *PANICS.lock());
    let first = panics.into_iter().next()?;
    Some(Violation::new(Rule::Assertion, first))
}
