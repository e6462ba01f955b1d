//! What the kernel says of this process, under the names that every dashboard knows.

use std::fmt;

use super::sheet::Sheet;

/// A tick of the times in `/proc/self/stat`: part of Linux's ABI on every architecture there is a
/// build for.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ProcessFigures {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: u64,
    /// `None` if the directory cannot be read.
    open_files: Option<u64>,
}

impl ProcessFigures {
    /// Reads a few small files of `/proc`, which do not block.
    pub(crate) fn read() -> Option<ProcessFigures> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let open_files = std::fs::read_dir("/proc/self/fd").ok();
        let figures = ProcessFigures::parse(&stat, &status)?;
        Some(ProcessFigures {
            // The directory itself is open while it is counted.
            open_files: open_files.map(|files| files.count().saturating_sub(1) as u64),
            ..figures
        })
    }

    fn parse(stat: &str, status: &str) -> Option<ProcessFigures> {
        // The second field is the program's name in brackets, which may hold anything.
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ').skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        let cpu_ticks = ticks()? + ticks()?;
        let value = |name: &str| -> Option<u64> {
            let mut lines = status.lines();
            let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(ProcessFigures {
            cpu_seconds: cpu_ticks as f64 / TICKS_PER_SECOND,
            resident_bytes: value("VmRSS")? * 1024,
            virtual_bytes: value("VmSize")? * 1024,
            threads: value("Threads")?,
            open_files: None,
        })
    }
}

pub(super) fn write(sheet: &mut Sheet<'_>, process: &ProcessFigures) -> fmt::Result {
    sheet.seconds(
        "process_cpu_seconds",
        "CPU time of this process, in seconds",
        process.cpu_seconds,
    )?;
    sheet.gauge(
        "process_resident_memory_bytes",
        "Memory that this process has in RAM",
        process.resident_bytes,
    )?;
    sheet.gauge(
        "process_virtual_memory_bytes",
        "Address space of this process",
        process.virtual_bytes,
    )?;
    sheet.gauge(
        "process_threads",
        "Threads of this process",
        process.threads,
    )?;
    match process.open_files {
        Some(open_files) => sheet.gauge("process_open_fds", "Open files and sockets", open_files),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_shifts_nothing() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 900 0 3 0 250 75 0 0 20 0 9 0 1000 99 88 77";
        let status = "Name:\ta\nVmSize:\t    8 kB\nVmRSS:\t    4 kB\nThreads:\t9\n";
        let expected = ProcessFigures {
            cpu_seconds: 3.25,
            resident_bytes: 4096,
            virtual_bytes: 8192,
            threads: 9,
            open_files: None,
        };
        assert_eq!(ProcessFigures::parse(stat, status), Some(expected));
        assert_eq!(ProcessFigures::parse("", status), None);
        assert_eq!(ProcessFigures::parse(stat, "Name:\ta\n"), None);
    }

    #[test]
    fn this_process_has_figures() {
        let figures = ProcessFigures::read().unwrap();
        assert!(figures.resident_bytes > 0 && figures.threads > 0);
        assert!(figures.open_files.unwrap() >= 3);
    }
}
