//! Starts a component in the cluster's namespaces and cgroup, and knows whether it runs, whoever started it.
//! There is no supervisor: what has died stays dead until the next `up`.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::cgroups;
use super::components::{Component, Network};
use super::layout::Layout;
use crate::wait;
use task::cache::Key;
use task::shell::{full_path, last_lines, which};

/// The kernel keeps so much of a program's name in `/proc/PID/comm`.
const COMM: usize = 15;

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) enum Outcome {
    Running,
    Started,
}

/// Starts the component if it does not run, or runs with other arguments, configuration or program.
pub(super) fn ensure(layout: &Layout, component: &Component) -> Result<Outcome> {
    let wanted = digest(component)?;
    if is_running(layout, component.name)?
        && started_with(layout, component.name).as_deref() == Some(&wanted)
    {
        return Ok(Outcome::Running);
    }
    stop(layout, component.name)?;
    start(layout, component)?;
    fs::write(mark(layout, component.name), wanted)?;
    Ok(Outcome::Started)
}

pub(super) fn is_running(layout: &Layout, name: &str) -> Result<bool> {
    Ok(!find(layout, name)?.is_empty())
}

/// Fails with the last words of the first component that was started and no longer runs.
pub(super) fn check(layout: &Layout, names: &[&str]) -> Result<()> {
    for name in names {
        if started_with(layout, name).is_some() && !is_running(layout, name)? {
            bail!("{}", obituary(layout, name));
        }
    }
    Ok(())
}

fn start(layout: &Layout, component: &Component) -> Result<()> {
    let log = layout.log(component.name);
    let group = cgroups::of_component(layout, component.name)?;
    let output = File::options()
        .create(true)
        .append(true)
        .open(&log)
        .with_context(|| log.display().to_string())?;
    // The child joins the cgroup by itself: were it done here, a kill in between would leave it unknown.
    let mut child = Command::new(which("setsid").context("setsid is missing")?)
        .args(["sh", "-c", "echo $$ >\"$0\" && exec \"$@\""])
        .arg(group.join("cgroup.procs"))
        .arg("nsenter")
        .args(match component.network {
            Network::Cluster => Some(format!("--net={}", layout.network_namespace().display())),
            Network::Host => None,
        })
        .arg(format!("--mount={}", layout.mount_namespace().display()))
        .arg("--")
        .arg(&component.program)
        .args(&component.arguments)
        .env("PATH", full_path())
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    wait::until(&format!("{} to start", component.name), Duration::from_secs(20), || {
        if child.try_wait()?.is_some() {
            bail!("{}", obituary(layout, component.name));
        }
        is_running(layout, component.name)
    })
}

/// Ends it at once; nothing that it would do on its way out is needed.
pub(super) fn stop(layout: &Layout, name: &str) -> Result<()> {
    wait::until(&format!("{name} to end"), Duration::from_secs(20), || {
        let processes = find(layout, name)?;
        for process in &processes {
            let _ = kill_process(*process, Signal::KILL);
        }
        Ok(processes.is_empty())
    })
}

/// By cgroup and name: containerd's shims share its cgroup, and outlive it on purpose.
fn find(layout: &Layout, name: &str) -> Result<Vec<Pid>> {
    let group = cgroups::of_component(layout, name)?;
    let comm = &name[..name.len().min(COMM)];
    let is_it = |process: &Pid| {
        let path = format!("/proc/{}/comm", process.as_raw_nonzero());
        fs::read_to_string(path).is_ok_and(|text| text.trim_end() == comm)
    };
    Ok(cgroups::processes(&group).into_iter().filter(is_it).collect())
}

fn obituary(layout: &Layout, name: &str) -> String {
    let log = layout.log(name);
    let text = fs::read_to_string(&log).unwrap_or_default();
    format!("{name} has ended; the end of {}:\n{}", log.display(), last_lines(&text))
}

fn digest(component: &Component) -> Result<String> {
    let key = Key::new().bytes(component.program.as_os_str().as_encoded_bytes());
    let key = component.arguments.iter().fold(key, Key::bytes);
    Ok(component.reads.iter().try_fold(key, |key, file| key.path(file))?.finish())
}

fn started_with(layout: &Layout, name: &str) -> Option<String> {
    fs::read_to_string(mark(layout, name)).ok()
}

/// In the run folder: after a boot nothing has been started.
fn mark(layout: &Layout, name: &str) -> impl AsRef<Path> {
    layout.run().join(format!("{name}.started"))
}
