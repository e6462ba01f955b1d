use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// Linux reports process times in hundredths of a second to user space, on every architecture.
const MICROSECONDS_PER_TICK: u64 = 10_000;

/// CPU time that a process has used in user and kernel mode, in µs; `None` when it is gone.
pub(crate) fn process_cpu_us(pid: u32) -> Option<u64> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// CPU time of this process.
pub(crate) fn own_cpu_us() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000
}

fn parse_stat(stat: &str) -> Option<u64> {
    // The command name may hold spaces and parentheses: fields are counted behind its last one.
    let fields = stat.get(stat.rfind(')')? + 1..)?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * MICROSECONDS_PER_TICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_behind_the_command_name() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 1 0";
        assert_eq!(parse_stat(stat), Some(120_000));
        assert_eq!(parse_stat("42"), None);
        assert!(process_cpu_us(std::process::id()).is_some());
        assert!(own_cpu_us() > 0);
    }
}
