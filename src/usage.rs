//! CPU time and memory of this process, from Linux's `/proc`; unknown on other systems.

use std::fs;
use std::time::Duration;

/// The unit of CPU times in `/proc`: a hundredth of a second on every architecture in use.
const TICK: Duration = Duration::from_millis(10);

/// Resources that this process has used, in total or between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// CPU time of all threads, including those that have ended.
    pub(crate) process: Option<Duration>,
    /// CPU time of the calling thread.
    pub(crate) this_thread: Option<Duration>,
    /// Time that the calling thread was runnable but waited for a core.
    pub(crate) this_thread_waited: Option<Duration>,
    /// CPU time of the thread with the requested name.
    pub(crate) other_thread: Option<Duration>,
    /// Peak resident memory, in bytes.
    pub(crate) peak_memory: Option<u64>,
}

impl Usage {
    /// Returns the usage so far, including that of the thread named `other_thread`.
    pub(crate) fn now(other_thread: &str) -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        Self {
            process: read("/proc/self/stat").and_then(|stat| cpu(&stat)),
            this_thread: read("/proc/thread-self/stat").and_then(|stat| cpu(&stat)),
            this_thread_waited: read("/proc/thread-self/schedstat").and_then(|stat| waited(&stat)),
            other_thread: thread(other_thread).and_then(|stat| cpu(&stat)),
            peak_memory: read("/proc/self/status").and_then(|status| peak(&status)),
        }
    }

    /// Returns the usage since an earlier moment. Peak memory still covers the process's lifetime.
    pub(crate) fn since(self, earlier: &Self) -> Self {
        let spent = |now: Option<Duration>, then: Option<Duration>| now?.checked_sub(then?);
        Self {
            process: spent(self.process, earlier.process),
            this_thread: spent(self.this_thread, earlier.this_thread),
            this_thread_waited: spent(self.this_thread_waited, earlier.this_thread_waited),
            // The thread may have started in between.
            other_thread: spent(
                self.other_thread,
                Some(earlier.other_thread.unwrap_or_default()),
            ),
            peak_memory: self.peak_memory,
        }
    }
}

/// Reads the `stat` file of the thread with this name.
fn thread(name: &str) -> Option<String> {
    fs::read_dir("/proc/self/task")
        .ok()?
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok())
        .find(|stat| split(stat).is_some_and(|(theirs, _)| theirs == name))
}

/// Returns user plus system time, fields 14 and 15 (proc(5)).
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = split(stat)?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * (ticks()? + ticks()?))
}

/// Returns the time spent waiting for a core, field 2.
fn waited(schedstat: &str) -> Option<Duration> {
    let nanos = schedstat.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// Splits `stat` into the name, which may contain spaces and parentheses, and the fields after it.
fn split(stat: &str) -> Option<(&str, &str)> {
    let (head, fields) = stat.rsplit_once(')')?;
    Some((head.split_once('(')?.1, fields))
}

/// Returns the peak resident memory, in bytes.
fn peak(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_after_any_thread_name() {
        let stat = "17 (a) b (c) S 1 1 1 0 -1 4194304 128 0 0 0 250 50 0 0 20 0 1 0 607871";
        assert_eq!(split(stat).map(|(name, _)| name), Some("a) b (c"));
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu("17 (cut off) S 1 1"), None);
        assert_eq!(waited("1000 2000000 3"), Some(Duration::from_millis(2)));
    }

    #[test]
    fn peak_memory_is_in_bytes() {
        let status = "Name:\trecall\nVmPeak:\t  99 kB\nVmHWM:\t    5120 kB\n";
        assert_eq!(peak(status), Some(5 << 20));
        assert_eq!(peak("Name:\trecall\n"), None);
    }

    #[test]
    fn only_usage_since_the_earlier_moment_counts() {
        let at = |seconds| Usage {
            process: Some(Duration::from_secs(seconds)),
            peak_memory: Some(seconds),
            ..Usage::default()
        };
        assert_eq!(
            at(7).since(&at(5)),
            Usage {
                peak_memory: Some(7),
                ..at(2)
            }
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_reports_every_figure() {
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let (begin, started) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("a (thread)".to_owned());
        let thread = thread.spawn(move || {
            begin.send(()).expect("the test receives it");
            wait.recv().is_err()
        });
        started.recv().expect("the thread has started");
        let usage = Usage::now("a (thread)");
        assert!(
            usage.process.is_some() && usage.this_thread.is_some() && usage.other_thread.is_some(),
            "{usage:?}"
        );
        assert!(usage.peak_memory > Some(0));
        drop(stop);
        assert!(
            thread
                .expect("the thread started")
                .join()
                .expect("no panic")
        );
    }
}
