use squorum_log::sim::Fault as DiskFault;
use squorum_store::memory::{Fault as StoreFault, Operation};

use super::Machine;

/// When the power goes, if not at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// In the operation of the log's disk that follows so many more.
    Log { operations: u64 },
    /// In one of the store's operations, before it has done anything or when it is done.
    Store {
        operation: Operation,
        after: u32,
        takes_effect: bool,
    },
}

impl Machine {
    /// Lets the power go at a moment to come. Of a machine without a process: of the next one.
    pub fn cut_power_at(&self, moment: Moment) {
        let mut inner = self.inner.lock();
        match moment {
            Moment::Log { operations } => inner.disk.fault_after(operations, DiskFault::PowerCut),
            Moment::Store {
                operation,
                after,
                takes_effect,
            } => {
                inner.store.inject(StoreFault {
                    operation,
                    after,
                    takes_effect,
                });
                inner.is_store_doomed = true;
            }
        }
    }

    /// Takes back what [`cut_power_at`](Self::cut_power_at) planned.
    pub fn keep_power(&self) {
        let mut inner = self.inner.lock();
        inner.disk.clear_faults();
        inner.store.clear_fault();
        inner.is_store_doomed = false;
    }

    /// False without a process, and when the power has gone under one.
    pub fn is_powered(&self) -> bool {
        let inner = self.inner.lock();
        let has_struck = inner.is_store_doomed && !inner.store.has_fault();
        inner.disk.is_powered() && !has_struck
    }
}
