//! What a process of this machine uses, by `proc(5)`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// Time on a processor, of all threads: the first field of `schedstat`, in nanoseconds, far finer than the ticks of `stat`.
pub fn processor_time(pid: u32) -> Result<Duration> {
    let mut times = Vec::new();
    for thread in fs::read_dir(folder(pid).join("task"))? {
        // One that has ended since it was listed has no time any more.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        let first = text.split_whitespace().next().context("an empty schedstat")?;
        times.push(first.parse::<u64>()?);
    }
    ensure!(!times.is_empty(), "process {pid} has ended");
    Ok(Duration::from_nanos(times.iter().sum()))
}

/// Resident memory (`proc_pid_status(5)`).
pub fn resident_kib(pid: u32) -> Result<u64> {
    kib(&folder(pid).join("status"), "VmRSS:")
}

/// The same with a share only of what other processes have resident too (`proc_pid_smaps(5)`).
pub fn proportional_kib(pid: u32) -> Result<u64> {
    kib(&folder(pid).join("smaps_rollup"), "Pss:")
}

/// What of its resident memory is no file's: what the kubelet reports as `rssBytes` of a pod.
pub fn anonymous_kib(pid: u32) -> Result<u64> {
    kib(&folder(pid).join("status"), "RssAnon:")
}

fn folder(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

fn kib(file: &Path, name: &'static str) -> Result<u64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.context(name)
}
